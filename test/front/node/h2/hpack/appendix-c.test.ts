import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Blocks } from './decoding.ts';
import { huffman, integer, literal } from './reference-encoder.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** Blocks of one connection: bytes, the fields in them, and the size of the table behind each. */
type Sequence = readonly (readonly [bytes: string, fields: readonly string[], tableBytes: number])[];

const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const second = [...first, 'cache-control: no-cache'];
const third = [
  ':method: GET',
  ':scheme: https',
  ':path: /index.html',
  ':authority: www.example.com',
  'custom-key: custom-value',
];
const redirect = [
  ':status: 302',
  'cache-control: private',
  'date: Mon, 21 Oct 2013 20:13:21 GMT',
  'location: https://www.example.com',
];
const again = [':status: 307', ...redirect.slice(1)];
const compressed = [
  ':status: 200',
  'cache-control: private',
  'date: Mon, 21 Oct 2013 20:13:22 GMT',
  'location: https://www.example.com',
  'content-encoding: gzip',
  'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
];

const sequences: Readonly<Record<string, Sequence>> = {
  'C.2.1 literal with indexing': [
    ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key: custom-header'], 55],
  ],
  'C.2.2 literal without indexing': [['040c 2f73 616d 706c 652f 7061 7468', [':path: /sample/path'], 0]],
  'C.2.3 literal never indexed': [['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password: secret'], 0]],
  'C.2.4 indexed': [['82', [':method: GET'], 0]],
  'C.3 requests without Huffman code': [
    ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', first, 57],
    ['8286 84be 5808 6e6f 2d63 6163 6865', second, 110],
    ['8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65', third, 164],
  ],
  'C.4 requests with Huffman code': [
    ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', first, 57],
    ['8286 84be 5886 a8eb 1064 9cbf', second, 110],
    ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', third, 164],
  ],
};

/** The examples of responses evict fields from a table of 256 bytes, which an update sets first. */
const responses: Readonly<Record<string, Sequence>> = {
  'C.5 responses without Huffman code': [
    [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120
       474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      redirect,
      222,
    ],
    ['4803 3330 37c1 c0bf', again, 222],
    [
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738
       666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33
       3630 303b 2076 6572 7369 6f6e 3d31`,
      compressed,
      215,
    ],
  ],
  'C.6 responses with Huffman code': [
    [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718
       63c7 8f0b 97c8 e9ae 82ae 43d3`,
      redirect,
      222,
    ],
    ['4883 640e ffc1 c0bf', again, 222],
    [
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7
       b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      compressed,
      215,
    ],
  ],
};

describe('the examples of RFC 7541 Appendix C', () => {
  test('C.1 integers', () => {
    assert.deepEqual(integer(0, 5, 10), hex('0a'));
    assert.deepEqual(integer(0, 5, 1337), hex('1f9a0a'));
    assert.deepEqual(integer(0, 8, 42), hex('2a'));
    const long = 'x'.repeat(1337);
    assert.deepEqual(new Blocks().read(literal('never', 'a', long)), [`a: ${long}`]);
  });

  for (const [name, sequence] of Object.entries({ ...sequences, ...responses })) {
    test(name, () => {
      const blocks = new Blocks();
      const evicts = name in responses;
      sequence.forEach(([bytes, fields, tableBytes], at) => {
        const update = evicts && at === 0 ? integer(0x20, 5, 256) : Buffer.alloc(0);
        assert.deepEqual(blocks.read(update, hex(bytes)), fields);
        assert.equal(blocks.decoder.tableBytes, tableBytes);
      });
    });

    test(`${name}: only whole fields pass when a block is cut off`, () => {
      sequence.forEach(([bytes, fields], at) => {
        const whole = hex(bytes);
        const lengths: number[] = [];
        for (let cut = 0; cut < whole.length; cut += 1) {
          const blocks = new Blocks();
          for (const [before] of sequence.slice(0, at)) blocks.read(hex(before));
          const read = blocks.read(whole.subarray(0, cut));
          if (read === undefined) continue;
          assert.deepEqual(read, fields.slice(0, read.length));
          lengths.push(read.length);
        }
        // One cut before each field: every other one must be refused.
        assert.deepEqual(lengths, [...fields.keys()]);
      });
    });
  }

  test('Huffman codes of the examples', () => {
    for (const [text, code] of [
      ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
      ['no-cache', 'a8eb10649cbf'],
      ['302', '6402'],
      ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
    ] as const) {
      assert.equal(huffman(text).toString('hex'), code);
    }
  });
});
