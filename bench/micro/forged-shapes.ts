import { randomBytes, randomInt } from 'node:crypto';

// What a stranger may put into a token that fits the limits, as the members of a header or of claims.

/** Members for at most this many bytes. */
export type Shape = (room: number) => string;

export const AUDIENCE = '63b73f76-7400-487d-b122-5705b848da80';
/** Of the claims: somewhat less than the limits of structure, to leave room for the usual members. */
const MEMBERS = 370;
const CONTAINERS = 370;
/** The same of the header. */
const HEADER_PARTS = 40;
/** More commas than the limits allow are left out, so that a shape is as large as it can be under any of them. */
const ITEMS = 1120;
const HEADER_ITEMS = 100;

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

/** Values of which no two have the same form, so that the processor guesses wrong what comes next. */
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

/** Of long texts, which have no parts. */
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
  'white space everywhere': list(() => `${' '.repeat(randomInt(12))}1`, ITEMS),
  'lists in lists': padded(() => `"x":${'['.repeat(31)}${']'.repeat(31)}`),
  'long numbers': list(() => `0.${'1234567890'.repeat(70)}`),
  'one number': (room) => `"x":${'1234567890'.repeat(Math.floor(room / 10) - 1)}`,
};

function parts(most: { members: number; containers: number; items: number }): Record<string, Shape> {
  return {
    'new names': members(() => `"${random()}":0`, most.members),
    'short names': members(() => `"${letters(3)}${randomInt(9)}":0`, most.members),
    'names with escapes': members(() => `"\\u0069\\u0073${random()}":0`, most.members),
    'names that are nearly iss': members(() => '"\\u0069\\u0073\\u0078":0', most.members),
    'names that are nearly aud': members(() => '"\\u0061\\u0075\\u0064d":0', most.members),
    'names that are nearly kid': members(() => '"kie":0', most.members),
    'members of every kind': members(mixedMember, most.members),
    'small objects': items(() => `{"${random()}":0}`, most.containers),
    'empty objects': items(() => '{}', most.containers),
    'empty lists': items(() => '[]', most.containers),
    'lists in objects in lists': items(() => `[{"${letters(3)}":[${mixed()}]}]`, most.containers / 3),
    'short texts': items(() => `"${letters(3)}"`, most.items),
    'texts of any length': items(() => `"${letters(randomInt(8))}"`, most.items),
    digits: items(() => '1', most.items),
    numbers: items(() => '1e308', most.items),
    'numbers of any length': items(() => `${randomInt(2 ** (1 + randomInt(40)))}`, most.items),
    literals: items(() => chosen(['true', 'false', 'null']), most.items),
    'values of every kind': items(mixed, most.items),
    'everything at once': padded((room) => {
      const objects = fill(room / 2, () => `{${mixedMember()}}`, most.containers * 0.9);
      const some = most.members - most.containers * 0.9 - 5;
      const inner = some > 0 ? `${fill(room / 4, mixedMember, some)},` : '';
      return `"x":[${objects}],${inner}"y":[${fill(room / 5, mixed, most.items - most.members - 20)}]`;
    }),
  };
}

/** Claims that no usual token has. */
export const claimShapes: Readonly<Record<string, Shape>> = {
  ...texts,
  ...parts({ members: MEMBERS, containers: CONTAINERS, items: ITEMS }),
  '900 small objects, beyond the limit': list(() => `{"${randomInt(1000, 2000)}":0}`),
};
export const headerShapes: Readonly<Record<string, Shape>> = {
  ...texts,
  ...parts({ members: HEADER_PARTS, containers: HEADER_PARTS, items: HEADER_ITEMS }),
};
/** Of headers that are full of parts as well as the claims are. */
export const fullHeaderShapes: Readonly<Record<string, Shape>> = parts({
  members: MEMBERS,
  containers: CONTAINERS,
  items: ITEMS,
});

const audienceList = (piece: () => string, most?: number): Shape => {
  return padded((room) => `"aud":["${AUDIENCE}",${fill(room - 60, piece, most)}]`);
};
const near = (): string => `${AUDIENCE.slice(0, -1)}x`;
/** In the place of the usual `aud`. */
export const audienceShapes: Readonly<Record<string, Shape>> = {
  'short audiences': audienceList(() => `"${letters(3)}"`, ITEMS),
  '90 short audiences': audienceList(() => `"${letters(3)}"`, 90),
  'audiences that are nearly right': audienceList(() => `"${near()}"`),
  '90 audiences that are nearly right': audienceList(() => `"${near()}"`, 90),
  'audiences that are right': audienceList(() => `"${AUDIENCE}"`, 90),
  'audiences with escapes': audienceList(() => '"\\n"', ITEMS),
  '90 audiences with escapes': audienceList(() => `"\\u0036${near().slice(1)}"`, 90),
};
