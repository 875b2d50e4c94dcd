import { randomBytes, randomInt } from 'node:crypto';
import { HEADER_LIMITS, LIMITS, type Limits, Outline } from '../../src/auth/read/json-outline.ts';

// What a stranger may put into a token that fits the limits, as the members of a header or of claims.

/** Members for at most this many bytes. */
export type Shape = (room: number) => string;

export const AUDIENCE = '63b73f76-7400-487d-b122-5705b848da80';
/** Parts of the usual members of a header and of claims. */
const USUAL = { header: 10, claims: 50 };
/** More pieces than fit under any of the limits. */
const MOST = 1200;

export const random = (): string => randomBytes(6).toString('base64url');
const letters = (count: number): string => random().slice(0, count);
const chosen = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T;

/** Pieces joined until the text would be longer than `room` bytes, or there are `most`. */
function fill(room: number, piece: () => string, most = Number.POSITIVE_INFINITY): string {
  const pieces: string[] = [];
  for (let length = 0; pieces.length < most; ) {
    const next = piece();
    length += Buffer.byteLength(next) + 1;
    if (length > room) break;
    pieces.push(next);
  }
  return pieces.join();
}

const text =
  (piece: string): Shape =>
  (room) =>
    `"x":"${piece.repeat(Math.floor((room - 8) / Buffer.byteLength(piece)))}"`;
const list =
  (piece: () => string, most?: number): Shape =>
  (room) =>
    `"x":[${fill(room - 8, piece, most)}]`;
/** As many pieces as the limits allow, and a long text for the rest of the room. */
const padded =
  (shape: Shape): Shape =>
  (room) => {
    const some = shape(room);
    const rest = room - Buffer.byteLength(some) - 8;
    return rest > 0 ? `${some},"p":"${'p'.repeat(rest)}"` : some;
  };
const members = (piece: () => string, most: number): Shape => padded((room) => fill(room, piece, most));
const items = (piece: () => string, most: number): Shape => padded(list(piece, most));

/** Values of different forms, which mislead the branch prediction. */
const values: readonly (() => string)[] = [
  () => `"${letters(randomInt(8))}"`,
  () => `"\\u00e${randomInt(9)}${letters(randomInt(3))}"`,
  () => `${randomInt(99999)}`,
  () => '-0.5e3',
  () => 'true',
  () => 'null',
  () => '\n1 ',
  () => ' "\\n" ',
];
const mixed = (): string => chosen(values)();
const mixedMember = (): string => `"${letters(1 + randomInt(8))}${random()}":${mixed()}`;

/** For long texts, which have no parts. */
const texts: Readonly<Record<string, Shape>> = {
  'a long text': text('x'),
  'a text of quotes': text('\\"'),
  'a text of line feeds': text('\\n'),
  'a text of escapes': text('\\u4e00'),
  'a text of escapes and letters': text('abc\\u4e00'),
  'a text of Latin letters': text('é'),
  'a text of Chinese letters': text('一'),
  'a text of emoji': text('😀'),
  'white space': (room) => `"x":1${' '.repeat(room - 6)}`,
  'white space everywhere': list(() => `${' '.repeat(1 + randomInt(40))}1`, 300),
  'lists in lists': padded(() => `"x":${'['.repeat(31)}${']'.repeat(31)}`),
  'long numbers': list(() => `0.${'1234567890'.repeat(70)}`),
  'one number': (room) => `"x":${'1234567890'.repeat(Math.floor(room / 10) - 1)}`,
};

/** The shape with as many pieces as the limits allow beside the usual members. */
function largest(limits: Limits, usual: number, of: (most: number) => Shape): Shape {
  const outline = new Outline([], { ...limits, parts: limits.parts - usual });
  return (room) => {
    let [least, most] = [0, MOST];
    let best = of(1)(room);
    while (most - least > 4) {
      const middle = (least + most) >> 1;
      const some = of(middle)(room);
      const bytes = Buffer.from(`{${some}}`);
      if (outline.of(bytes, bytes.length) < 0) most = middle;
      else [least, best] = [middle, some];
    }
    return best;
  };
}

const pieces: Readonly<Record<string, (most: number) => Shape>> = {
  'new names': (most) => members(() => `"${random()}":0`, most),
  'short names': (most) => members(() => `"${letters(3)}${randomInt(9)}":""`, most),
  'names with escapes': (most) => members(() => `"\\u0069\\u0073${random()}":""`, most),
  'names that are nearly iss': (most) => members(() => '"\\u0069\\u0073\\u0078":""', most),
  'names that are nearly aud': (most) => members(() => '"\\u0061\\u0075\\u0064d":""', most),
  'names that are nearly kid': (most) => members(() => '"kie":""', most),
  'members of every kind': (most) => members(mixedMember, most),
  'small objects': (most) => items(() => `{"${random()}":""}`, most),
  'empty objects': (most) => items(() => '{}', most),
  'empty lists': (most) => items(() => '[]', most),
  'lists in objects in lists': (most) => items(() => `[{"${letters(3)}":[${mixed()}]}]`, most),
  'short texts': (most) => items(() => `"${letters(3)}"`, most),
  'texts of any length': (most) => items(() => `"${letters(randomInt(8))}"`, most),
  'texts and white space': (most) =>
    items(() => `${' '.repeat(randomInt(3))}"${letters(randomInt(8))}"`, most),
  'texts of which some are empty': (most) =>
    items(() => chosen(['""', '"a"', '"abcdef"', '"abcdefghijk"']), most),
  digits: (most) => items(() => '1', most),
  numbers: (most) => items(() => '1e308', most),
  'numbers of any length': (most) => items(() => `${randomInt(2 ** (1 + randomInt(40)))}`, most),
  literals: (most) => items(() => chosen(['true', 'false', 'null']), most),
  'values of every kind': (most) => items(mixed, most),
  'texts, lists and objects': (most) =>
    items(() => chosen(['""', '"abcdef"', '{}', '[]', '[""]', '{"":{}}']), most),
  'everything at once': (most) =>
    padded((room) => {
      const objects = fill(room / 2, () => `{${mixedMember()}}`, most / 4);
      const inner = fill(room / 4, mixedMember, most / 4);
      return `"x":[${objects}],${inner},"y":[${fill(room / 5, mixed, most / 2)}]`;
    }),
};

function parts(limits: Limits, usual: number): Record<string, Shape> {
  return Object.fromEntries(Object.entries(pieces).map(([name, of]) => [name, largest(limits, usual, of)]));
}

/** Claims that no usual token has. */
export const claimShapes: Readonly<Record<string, Shape>> = {
  ...texts,
  ...parts(LIMITS, USUAL.claims),
  '900 small objects, beyond the limit': list(() => `{"${randomInt(1000, 2000)}":0}`),
};
export const headerShapes: Readonly<Record<string, Shape>> = {
  ...texts,
  ...parts(HEADER_LIMITS, USUAL.header),
};
/** For headers that are as full of parts as the claims. */
export const fullHeaderShapes: Readonly<Record<string, Shape>> = parts(LIMITS, USUAL.claims);

const audienceList = (piece: () => string, most?: number): Shape => {
  return padded((room) => `"aud":["${AUDIENCE}",${fill(room - 60, piece, most)}]`);
};
const near = (): string => `${AUDIENCE.slice(0, -1)}x`;
/** In the place of the usual `aud`. */
export const audienceShapes: Readonly<Record<string, Shape>> = {
  'short audiences': audienceList(() => `"${letters(3)}"`, 900),
  '60 short audiences': audienceList(() => `"${letters(3)}"`, 60),
  'audiences that are nearly right': audienceList(() => `"${near()}"`),
  '60 audiences that are nearly right': audienceList(() => `"${near()}"`, 60),
  'audiences that are right': audienceList(() => `"${AUDIENCE}"`, 60),
  'audiences with escapes': audienceList(() => '"\\n"', 400),
  '60 audiences with escapes': audienceList(() => `"\\u0036${near().slice(1)}"`, 60),
};
