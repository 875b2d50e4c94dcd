import { Buffer } from 'node:buffer';

/** Bits in the code of each byte (RFC 7541 Appendix B). The code is canonical, so the lengths define it. */
export const codeLengths: readonly number[] = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
];
/** The symbol that a string must never hold (RFC 7541 §5.2), and the bits of its code, all of them 1. */
const EOS = 256;
const EOS_LENGTH = 30;
/** Bits of padding behind the last symbol: fewer than a byte (RFC 7541 §5.2). */
const MAX_PADDING = 7;
/** Bits in the shortest code: so many bits stand for one byte at least. */
const SHORTEST = 5;

/** The code of each byte, by the canonical rule: shorter codes first, and equal lengths in the order of the bytes. */
export const codes: readonly number[] = canonicalCodes();

function canonicalCodes(): readonly number[] {
  const found: number[] = new Array<number>(codeLengths.length).fill(0);
  let code = 0;
  for (let length = SHORTEST; length <= EOS_LENGTH; length += 1) {
    code *= 2;
    for (let symbol = 0; symbol < codeLengths.length; symbol += 1) {
      if (codeLengths[symbol] !== length) continue;
      found[symbol] = code;
      code += 1;
    }
  }
  return found;
}

/*
 * The decoder is an automaton over half bytes. Its states are the inner nodes of the code's tree: 256, as there are 257
 * leaves. No half byte completes two symbols, because the shortest code is longer than that.
 * A transition: the next state in bits 0 to 7, the completed symbol in bits 8 to 15, and two flags.
 */
const COMPLETES = 1 << 16;
const FAILS = 1 << 17;
const transitions = new Int32Array(256 * 16);
/** 1 for each state in which a string may end. */
const mayEnd = new Uint8Array(256);

buildAutomaton();

function buildAutomaton(): void {
  /** The two branches of each inner node: another node, or -1 - symbol. Node 0 is the root. */
  const branches: [number, number][] = [[0, 0]];
  const add = (symbol: number, code: number, length: number): void => {
    let node = 0;
    for (let bit = length - 1; bit > 0; bit -= 1) {
      const way = (code >>> bit) & 1;
      const pair = branches[node] as [number, number];
      if (pair[way] === 0) {
        pair[way] = branches.length;
        branches.push([0, 0]);
      }
      node = pair[way] as number;
    }
    (branches[node] as [number, number])[code & 1] = -1 - symbol;
  };
  for (let symbol = 0; symbol < codes.length; symbol += 1) {
    add(symbol, codes[symbol] as number, codeLengths[symbol] as number);
  }
  add(EOS, 2 ** EOS_LENGTH - 1, EOS_LENGTH);
  for (let state = 0; state < branches.length; state += 1) {
    for (let half = 0; half < 16; half += 1) {
      let node = state;
      let result = 0;
      for (let bit = 3; bit >= 0; bit -= 1) {
        const next = (branches[node] as [number, number])[(half >>> bit) & 1] as number;
        node = Math.max(next, 0);
        if (next === -1 - EOS) result |= FAILS;
        else if (next < 0) result |= COMPLETES | ((-1 - next) << 8);
      }
      transitions[state * 16 + half] = result | node;
    }
  }
  for (let node = 0, bits = 0; bits <= MAX_PADDING; bits += 1) {
    mayEnd[node] = 1;
    node = (branches[node] as [number, number])[1];
  }
}

/** Receives the decoded bytes; grows to what the longest string needed. */
let decoded = Buffer.allocUnsafeSlow(4096);

/**
 * Decodes [from, to) of `bytes` (RFC 7541 §5.2). The work is in proportion to the bytes.
 * @returns the text, one character for each byte; undefined when the code is broken, holds EOS, or is padded with more
 *   than 7 bits or with anything but ones.
 */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string | undefined {
  const most = Math.ceil(((to - from) * 8) / SHORTEST);
  if (decoded.length < most) decoded = Buffer.allocUnsafeSlow(2 * most);
  const out = decoded;
  let length = 0;
  let state = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    const high = transitions[state * 16 + (byte >>> 4)] as number;
    const low = transitions[(high & 0xff) * 16 + (byte & 0xf)] as number;
    if (((high | low) & FAILS) !== 0) return undefined;
    if ((high & COMPLETES) !== 0) {
      out[length] = high >>> 8;
      length += 1;
    }
    if ((low & COMPLETES) !== 0) {
      out[length] = low >>> 8;
      length += 1;
    }
    state = low & 0xff;
  }
  return mayEnd[state] === 1 ? out.toString('latin1', 0, length) : undefined;
}
