import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { foreignJson } from '../lib/foreign-text.ts';
import { KeyError } from './key-error.ts';
import { privateLabelOf } from './private-key.ts';
import { type PublicKey, publicKeyFrom } from './public-key.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END ([A-Z0-9 ]+)-----/g;
const BEGIN = /-----BEGIN [A-Z0-9 ]+-----/g;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Blocks in one text. An issuer has a handful of keys; a bundle of root certificates has more than this. */
const MAX_BLOCKS = 64;
/** Characters of a block's label that a message shows. */
const MAX_SHOWN = 64;

interface Block {
  readonly label: string;
  readonly der: Buffer;
}

/**
 * Reads public keys (SPKI, PKCS#1) and X.509 certificates from the PEM blocks of a text. Skips text around the blocks
 * (RFC 7468 §2). Throws KeyError.
 */
export function parsePem(text: string): readonly PublicKey[] {
  const blocks = readBlocks(text);
  const keys: PublicKey[] = [];
  const certificates: X509Certificate[] = [];
  for (const { label, der } of blocks) {
    if (label === 'CERTIFICATE') {
      const certificate = parseDer(() => new X509Certificate(der), 'a certificate that cannot be read');
      certificates.push(certificate);
      keys.push(publicKeyFrom(parseDer(() => certificate.publicKey, 'a certificate with an unknown key')));
    } else {
      const type = label === 'PUBLIC KEY' ? 'spki' : 'pkcs1';
      const key = parseDer<KeyObject>(
        () => createPublicKey({ key: der, format: 'der', type }),
        'a public key that cannot be read',
      );
      keys.push(publicKeyFrom(key));
    }
  }
  refuseChain(certificates);
  return keys.filter((key, index) => keys.findIndex((other) => other.pem === key.pem) === index);
}

function readBlocks(text: string): readonly Block[] {
  const labels = [...text.matchAll(BEGIN)].map(([line]) => line.slice('-----BEGIN '.length, -'-----'.length));
  if (labels.some((label) => label.includes('PRIVATE KEY'))) {
    throw new KeyError(isPrivate);
  }
  if (labels.length === 0) {
    throw new KeyError('holds no PEM block; must hold a PEM public key or X.509 certificate');
  }
  if (labels.length > MAX_BLOCKS) {
    throw new KeyError(`holds ${labels.length} PEM blocks; must hold at most ${MAX_BLOCKS}`);
  }
  const unknown = labels.find((label) => !['PUBLIC KEY', 'RSA PUBLIC KEY', 'CERTIFICATE'].includes(label));
  if (unknown !== undefined) {
    throw new KeyError(
      `holds a PEM block ${foreignJson(unknown, MAX_SHOWN)}; must hold public keys or X.509 certificates only`,
    );
  }
  const blocks = [...text.matchAll(BLOCK)].map(([, begin = '', body = '', end]) => {
    const base64 = body.replace(/\s+/g, '');
    if (begin !== end || !BASE64.test(base64)) throw new KeyError(broken);
    const der = Buffer.from(base64, 'base64');
    // Even under another label.
    if (privateLabelOf(der) !== undefined) throw new KeyError(isPrivate);
    return { label: begin, der };
  });
  if (blocks.length !== labels.length) throw new KeyError(broken);
  return blocks;
}

const isPrivate =
  'holds a private key; must hold the public key alone, as `openssl pkey -in KEY -pubout` prints it';
const broken = 'holds a broken PEM block; must hold base64 between matching BEGIN and END lines';

function parseDer<Result>(parse: () => Result, what: string): Result {
  try {
    return parse();
  } catch {
    // OpenSSL's message does not help, and may quote the material.
    throw new KeyError(`holds ${what}; must hold an RSA, EC, Ed25519 or Ed448 public key`);
  }
}

/** With a chain, the key of the certificate authority could sign tokens, which no configuration means. */
function refuseChain(certificates: readonly X509Certificate[]): void {
  for (const child of certificates) {
    for (const parent of certificates) {
      if (child.fingerprint256 === parent.fingerprint256) continue;
      if (child.checkIssued(parent) && child.verify(parent.publicKey)) {
        throw new KeyError(
          'holds a chain of certificates; must hold the certificate that signs tokens alone',
        );
      }
    }
  }
}
