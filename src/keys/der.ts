/** Tags of DER (X.680 §8.6, X.690 §8). */
export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  sequence: 0x30,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** One value of DER. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Bytes are no DER. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/**
 * The values of DER that stand side by side, at most `most` of them. Tags of one byte and definite lengths
 * only; a length may be longer than it must, as OpenSSL takes it too. @throws DerError
 */
export function readDer(bytes: Buffer, most = Number.POSITIVE_INFINITY): readonly DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length && values.length < most) {
    const tag = bytes[at] as number;
    const first = bytes[at + 1];
    if (first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('a tag or a length is cut off');
    const more = first < 0x80 ? 0 : first & 0x7f;
    const from = at + 2 + more;
    if (first === 0x80 || more > 4 || from > bytes.length) throw new DerError('a length is not definite');
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    if (from + length > bytes.length) throw new DerError('a length is wrong');
    values.push({
      tag,
      content: bytes.subarray(from, from + length),
      whole: bytes.subarray(at, from + length),
    });
    at = from + length;
  }
  return values;
}

/** The values inside of one that must have this tag. @throws DerError */
export function inside(value: DerValue | undefined, tag: number = tags.sequence): readonly DerValue[] {
  return readDer(contentOf(value, tag));
}

/** The content of a value that must have this tag. @throws DerError */
export function contentOf(value: DerValue | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new DerError(`a value of the tag ${tag} is missing`);
  return value.content;
}

/** The only value of these bytes. @throws DerError */
export function onlyValue(bytes: Buffer): DerValue {
  const [value, another] = readDer(bytes);
  if (value === undefined || another !== undefined) throw new DerError('there must be one value');
  return value;
}

/** The bytes of a value. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const digits = content.length.toString(16);
  const length = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  const head = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from(head), content]);
}

/** Milliseconds since the epoch of a time in UTC and whole seconds (RFC 5280 §4.1.2.5). @throws DerError */
export function timeOf(value: DerValue | undefined): number {
  const { tag, content } = value ?? {};
  const text = content?.toString('latin1') ?? '';
  const isShort = tag === tags.utcTime;
  const digits = isShort ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)?.slice(1);
  if (parts === undefined || (tag !== tags.utcTime && tag !== tags.generalizedTime)) {
    throw new DerError('a time is missing');
  }
  const [year, month, day, hour, minute, second] = parts;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time)) throw new DerError('a time does not exist');
  return time;
}
