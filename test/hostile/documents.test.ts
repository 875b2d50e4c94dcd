import { describe, test } from 'node:test';
import { keyPair, rs256, secondsFromNow } from '../support/tokens.ts';
import { AUDIENCE, claims, ISSUER, issuerOf, standFor, verificationKey } from './stand.ts';

/** The genuine key signs every token here: its content is what refuses it. */
const key = keyPair('RS256');
const stand = standFor([issuerOf('main', ['RS256'], [verificationKey(key, ['RS256'])])]);
const malformed = '401 token_malformed';
const header = { alg: 'RS256', typ: 'JWT' };

/** Claims with members written as given, to make odd numbers and repetitions. */
const written = (...members: string[]): string =>
  `${JSON.stringify(claims({ exp: undefined })).slice(0, -1)},${members.join()}}`;
const exp = `"exp":${secondsFromNow(300)}`;

type Row = readonly [name: string, payload: unknown, expected: string, header?: unknown];

function each(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [name, payload, expected, given = header] of rows) {
      test(`${name}: ${expected}`, async () => {
        const token = rs256(key, payload, given);
        if (expected === 'permit') await stand().admits(token);
        else await stand().refuses(token, expected);
      });
    }
  });
}

each('crit and b64 (RFC 7515 §4.1.11, RFC 7797, CVE-2026-35042)', [
  ...[null, [], '', 'exp', 'b64', 0, true, false, {}, { b64: true }, ['b64'], ['alg'], [''], ['x', 'x']].map(
    (crit): Row => [`crit ${JSON.stringify(crit)}`, claims(), malformed, { ...header, crit, x: 1 }],
  ),
  ['crit with a number', claims(), malformed, { ...header, crit: [1], 1: 1 }],
  ['crit with a list', claims(), malformed, { ...header, crit: [['x']], x: 1 }],
  ['crit with a name that is not there', claims(), malformed, { ...header, crit: ['x'] }],
  ['crit with __proto__', claims(), malformed, '{"alg":"RS256","crit":["__proto__"],"__proto__":1}'],
  ['crit with an escape', claims(), malformed, '{"alg":"RS256","\\u0063rit":["x"],"x":1}'],
  ['a hundred names in crit', claims(), malformed, { ...header, crit: Array(100).fill('x'), x: 1 }],
  ['b64 false with crit', claims(), malformed, { ...header, b64: false, crit: ['b64'] }],
  ['b64 false without crit', claims(), malformed, { ...header, b64: false }],
  ['b64 true', claims(), malformed, { ...header, b64: true }],
  ['b64 as text', claims(), malformed, { ...header, b64: 'false' }],
  ['Crit, another name', claims(), 'permit', { ...header, Crit: ['x'] }],
]);

each('a member that stands twice', [
  ['alg', claims(), malformed, '{"alg":"RS256","alg":"RS256"}'],
  ['alg, first none', claims(), malformed, '{"alg":"none","alg":"RS256"}'],
  ['alg, last none', claims(), malformed, '{"alg":"RS256","alg":"none"}'],
  ['alg, once with an escape', claims(), malformed, '{"alg":"RS256","\\u0061lg":"none"}'],
  ['alg, both with an escape', claims(), malformed, '{"a\\u006cg":"none","al\\u0067":"RS256"}'],
  ['alg, with white space', claims(), malformed, '{"alg" : "none" ,\n"alg"\t:\r"RS256"}'],
  ['kid', claims(), malformed, '{"alg":"RS256","kid":"a","kid":"a"}'],
  ['in an object of the header', claims(), malformed, '{"alg":"RS256","x":{"a":1,"a":2}}'],
  ...['"iss":"https://issuer.example"', '"\\u0069ss":"https://evil.example"', `"aud":"${AUDIENCE}"`].map(
    (member): Row => [member, written(exp, member), malformed],
  ),
  ['exp', written(exp, '"exp":1'), malformed],
  ['exp with a surrogate pair beside it', written(exp, '"\\ud83d\\ude00":1', '"e\\u0078p":1'), malformed],
  ['sub', written(exp, '"sub":"admin"'), malformed],
  ['in an object of the claims', written(exp, '"x":{"admin":false,"admin":true}'), malformed],
  ['in an object of a list', written(exp, '"x":[{"a":1,"\\u0061":1}]'), malformed],
  ['__proto__', written(exp, '"__proto__":1,"__proto__":2'), malformed],
  ['the empty name', written(exp, '"":1,"":2'), malformed],
  ['in other letters, which is another member', written(exp, '"EXP":1,"Iss":"x"'), 'permit'],
  ['the same name in two objects', written(exp, '"x":{"a":1},"y":{"a":1}'), 'permit'],
]);

const numbers: readonly (readonly [text: string, expected: string])[] = [
  ['1e400', malformed],
  ['-1e400', malformed],
  ['1e1000000', malformed],
  ['1e99999999999999999999', malformed],
  ['1e308', malformed],
  ['9'.repeat(10_000), malformed],
  ['18446744073709551616', malformed],
  ['9223372036854775807', malformed],
  ['9007199254740993', malformed],
  ['8640000000001', malformed],
  ['-1', malformed],
  ['-0.0001', malformed],
  ['-8640000000000', malformed],
  ['"9999999999"', malformed],
  ['""', malformed],
  ['"now"', malformed],
  ['"2099-01-01T00:00:00Z"', malformed],
  ['null', malformed],
  ['true', malformed],
  ['[]', malformed],
  ['[9999999999]', malformed],
  ['{}', malformed],
  ['{"valueOf":9999999999}', malformed],
  // Text that is not a JSON number (RFC 8259 §6).
  ['NaN', malformed],
  ['Infinity', malformed],
  ['-Infinity', malformed],
  ['0x7fffffff', malformed],
  ['+1', malformed],
  ['01', malformed],
  ['1.', malformed],
  ['.5', malformed],
  ['1e', malformed],
  ['1_000', malformed],
  ['9999999999n', malformed],
  ['', malformed],
];

each('exp', [
  ...numbers.map(([text, expected]): Row => [text.slice(0, 40), written(`"exp":${text}`), expected]),
  ['0', written('"exp":0'), '401 token_expired'],
  ['-0', written('"exp":-0'), '401 token_expired'],
  ['1e-400', written('"exp":1e-400'), '401 token_expired'],
  ['a fraction with ten thousand digits', written(`"exp":0.${'0'.repeat(10_000)}1`), '401 token_expired'],
  ['a fraction of a second ago', written(`"exp":${secondsFromNow(-1) + 0.5}`), '401 token_expired'],
  ['a fraction ahead', written(`"exp":${secondsFromNow(300) + 0.5}`), 'permit'],
  ['with an exponent', written('"exp":9.999999999e9'), 'permit'],
  ['the last second of a Date', written('"exp":8640000000000'), 'permit'],
  ['missing', written('"x":1'), '401 claim_missing'],
  ['in another object', written(`"x":{${exp}}`), '401 claim_missing'],
]);
for (const name of ['nbf', 'iat']) {
  each(
    name,
    numbers.map(([text, expected]): Row => [text.slice(0, 40), written(exp, `"${name}":${text}`), expected]),
  );
}
each('nbf that is a time', [
  ['far ahead', written(exp, '"nbf":8640000000000'), '401 token_not_yet_valid'],
  [
    'a second ahead, and a fraction',
    written(exp, `"nbf":${secondsFromNow(200) + 0.5}`),
    '401 token_not_yet_valid',
  ],
  ['behind, with a fraction', written(exp, '"nbf":1.5'), 'permit'],
]);

const nested = (open: string, inner: string, close: string, levels: number): string =>
  open.repeat(levels) + inner + close.repeat(levels);

each('deep, wide and long JSON', [
  ['lists in lists, 10,000 opened', written(exp, `"x":${'['.repeat(10_000)}`), malformed],
  ['lists in lists, 5,000 levels', written(exp, `"x":${nested('[', '', ']', 5000)}`), malformed],
  ['objects in objects, 1,900 levels', written(exp, `"x":${nested('{"":', '1', '}', 1900)}`), malformed],
  ['objects in objects, 10,000 opened', `${'{'.repeat(10_000)}`, malformed],
  ['31 levels below the claims', written(exp, `"x":${nested('[', '', ']', 31)}`), 'permit'],
  ['32 levels below the claims', written(exp, `"x":${nested('[', '', ']', 32)}`), malformed],
  ['a deep header', claims(), malformed, `{"alg":"RS256","x":${nested('[', '', ']', 5000)}}`],
  ['a header of brackets', claims(), malformed, '['.repeat(10_000)],
  ['brackets in a text', written(exp, `"x":"${'[{'.repeat(5000)}"`), 'permit'],
  ['a list of 340 numbers', written(exp, `"x":[${Array(340).fill(0).join()}]`), 'permit'],
  ['a list of 5,000 numbers', written(exp, `"x":[${Array(5000).fill(0).join()}]`), malformed],
  ['a list of 650 empty lists', written(exp, `"x":[${Array(650).fill('[]').join()}]`), 'permit'],
  ['a list of 3,000 empty lists', written(exp, `"x":[${Array(3000).fill('[]').join()}]`), malformed],
  ['220 members', written(exp, ...Array.from({ length: 220 }, (_, n) => `"m${n}":0`)), 'permit'],
  ['1,000 members', written(exp, ...Array.from({ length: 1000 }, (_, n) => `"m${n}":0`)), malformed],
  ['220 indexes', written(exp, ...Array.from({ length: 220 }, (_, n) => `"${n * 4096}":0`)), 'permit'],
  ['1,000 indexes', written(exp, ...Array.from({ length: 1000 }, (_, n) => `"${n * 4096}":0`)), malformed],
  ['a text of backslashes', written(exp, `"x":"${'\\\\'.repeat(4000)}"`), 'permit'],
  ['a text that does not end', written(exp, `"x":"${'\\'.repeat(9999)}`), malformed],
  ['11,000 blanks', written(exp, `${' '.repeat(11_000)}"x":1`), 'permit'],
  ['11,000 colons', written(exp, `"x":"${':'.repeat(11_000)}"`), 'permit'],
  ['11,000 colons outside of a text', written(exp, `"x"${':'.repeat(11_000)}1`), malformed],
  ['650 names that end in a colon', written(exp, `"x":[${Array(650).fill('" :"').join()}]`), 'permit'],
]);

each('what is not one JSON object', [
  ...['', ' ', 'null', '1', '"x"', '[]', '[{}]', '{', '{}{}', '{}\0', '{},', "{'iss':1}", '{iss:1}'].map(
    (payload): Row => [`claims ${JSON.stringify(payload)}`, payload, malformed],
  ),
  ['a comment', `/**/${JSON.stringify(claims())}`, malformed],
  ['a comma at the end', `${JSON.stringify(claims()).slice(0, -1)},}`, malformed],
  ['claims within a list', [claims()], malformed],
  ['a control character in a text', written(exp, '"x":"\n"'), malformed],
  ['two documents', `${JSON.stringify(claims())}${JSON.stringify(claims())}`, malformed],
  ['junk behind', `${JSON.stringify(claims())}x`, malformed],
  ['a header that is a list', claims(), malformed, [header]],
  ['a header that is a text', claims(), malformed, '"RS256"'],
  ['a header that is nothing', claims(), malformed, ''],
  ['a token within a token (cty JWT)', rs256(key, claims()), malformed, { ...header, cty: 'JWT' }],
  ['cty JWT with claims', claims(), 'permit', { ...header, cty: 'JWT' }],
]);

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const around = (middle: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${written(exp).slice(0, -1)},"x":"`), middle, Buffer.from('"}')]);
const unsound: readonly (readonly [string, Buffer])[] = [
  ['a lone continuation', bytes(0x80)],
  ['0xff', bytes(0xff)],
  ['0xfe 0xff', bytes(0xfe, 0xff)],
  ['Latin-1', bytes(0x6d, 0xfc, 0x6c)],
  ['overlong slash in two bytes', bytes(0xc0, 0xaf)],
  ['overlong slash in three', bytes(0xe0, 0x80, 0xaf)],
  ['overlong slash in four', bytes(0xf0, 0x80, 0x80, 0xaf)],
  ['overlong NUL', bytes(0xc0, 0x80)],
  ['overlong quote', bytes(0xc0, 0xa2)],
  ['half a surrogate pair', bytes(0xed, 0xa0, 0x80)],
  ['a surrogate pair (CESU-8)', bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
  ['beyond Unicode', bytes(0xf4, 0x90, 0x80, 0x80)],
  ['five bytes', bytes(0xf8, 0x88, 0x80, 0x80, 0x80)],
  ['cut off', bytes(0xe2, 0x82)],
  ['cut off behind a replacement character', bytes(0xef, 0xbf, 0xbd, 0xe2, 0x82)],
];
const mark = bytes(0xef, 0xbb, 0xbf);

each('bytes that are not UTF-8, and marks', [
  ...unsound.map(([name, middle]): Row => [`${name} in a claim`, around(middle), malformed]),
  ...unsound.map(
    ([name, middle]): Row => [
      `${name} in the header`,
      claims(),
      malformed,
      Buffer.concat([Buffer.from('{"alg":"RS256","x":"'), middle, Buffer.from('"}')]),
    ],
  ),
  ['a replacement character that was written', around(bytes(0xef, 0xbf, 0xbd)), 'permit'],
  ['a byte order mark before the claims', Buffer.concat([mark, Buffer.from(written(exp))]), malformed],
  [
    'a byte order mark before the header',
    claims(),
    malformed,
    Buffer.concat([mark, Buffer.from('{"alg":"RS256"}')]),
  ],
  ['UTF-16 claims', Buffer.from(written(exp), 'utf16le'), malformed],
  ['UTF-16 header', claims(), malformed, Buffer.from('{"alg":"RS256"}', 'utf16le')],
  ['half a surrogate pair by escape, in iss', claims({ iss: `${ISSUER}\ud800` }), '401 issuer_mismatch'],
  ['half a surrogate pair by escape, in a claim', claims({ x: '\ud800' }), 'permit'],
]);

each('iss (CVE-2025-30144)', [
  ['a list', claims({ iss: ['https://evil.example', ISSUER] }), '401 issuer_mismatch'],
  ['a list of it alone', claims({ iss: [ISSUER] }), '401 issuer_mismatch'],
  ['an object', claims({ iss: { toString: ISSUER, [ISSUER]: 1 } }), '401 issuer_mismatch'],
  ...[null, true, 0, '', ' '].map(
    (iss): Row => [JSON.stringify(iss), claims({ iss }), '401 issuer_mismatch'],
  ),
  ...[`${ISSUER}\0`, `\0${ISSUER}`, `${ISSUER}\0.evil`, `${ISSUER}/`, `${ISSUER}.evil.example`].map(
    (iss): Row => [JSON.stringify(iss), claims({ iss }), '401 issuer_mismatch'],
  ),
  ['in capitals', claims({ iss: ISSUER.toUpperCase() }), '401 issuer_mismatch'],
  ['with user information', claims({ iss: 'https://issuer.example@evil.example' }), '401 issuer_mismatch'],
  ['encoded', claims({ iss: 'https://issuer%2eexample' }), '401 issuer_mismatch'],
  ['with a line break', claims({ iss: `${ISSUER}\n` }), '401 issuer_mismatch'],
  ['ten thousand letters', claims({ iss: 'i'.repeat(10_000) }), '401 issuer_mismatch'],
  ...['__proto__', 'constructor', 'toString'].map(
    (iss): Row => [iss, claims({ iss }), '401 issuer_mismatch'],
  ),
  ['Iss', claims({ iss: undefined, Iss: ISSUER }), '401 issuer_mismatch'],
]);

each('aud (CVE-2026-35041)', [
  ['an object', claims({ aud: { [AUDIENCE]: true, 0: AUDIENCE, length: 1 } }), '401 audience_mismatch'],
  ['a list with a number', claims({ aud: [AUDIENCE, 1] }), '401 audience_mismatch'],
  ['a list with null', claims({ aud: [AUDIENCE, null] }), '401 audience_mismatch'],
  ['a list within a list', claims({ aud: [[AUDIENCE]] }), '401 audience_mismatch'],
  ['an empty list', claims({ aud: [] }), '401 audience_mismatch'],
  ...[null, true, 0, '', `${AUDIENCE}\0`, `${AUDIENCE},x`, `${AUDIENCE} x`, ` ${AUDIENCE}`].map(
    (aud): Row => [JSON.stringify(aud), claims({ aud }), '401 audience_mismatch'],
  ),
  ...['.*', 'order.', '^orders$', '__proto__', 'ORDERS', 'order'].map(
    (aud): Row => [aud, claims({ aud }), '401 audience_mismatch'],
  ),
  ['a text of 11,000 a', claims({ aud: 'a'.repeat(11_000) }), '401 audience_mismatch'],
  ['600 entries', claims({ aud: Array(600).fill('a') }), '401 audience_mismatch'],
  ['60 entries and the right one', claims({ aud: [...Array(60).fill('a'), AUDIENCE] }), 'permit'],
  [
    '600 entries and the right one',
    claims({ aud: [...Array(600).fill('a'), AUDIENCE] }),
    '401 audience_mismatch',
  ],
  ['the right one and 2,900 entries', claims({ aud: [AUDIENCE, ...Array(2900).fill('a')] }), malformed],
  ['the right one with escapes', written(exp).replace(`"${AUDIENCE}"`, '["\\u006frders"]'), 'permit'],
  [
    'the right one written raw with an escape of another',
    claims({ aud: [`${AUDIENCE}\\`] }),
    '401 audience_mismatch',
  ],
  ['40,000 entries, which make too long a token', claims({ aud: Array(40_000).fill('a') }), malformed],
]);
