import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { certificateNames } from './certificate-names.ts';
import { KeyError } from './key-error.ts';
import type { ServerCertificate } from './tls-certificate.ts';

const MIN_RSA_BITS = 2048;
const TYPES: ReadonlySet<string> = new Set(['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448']);
/** Certificates in one chain; real ones have two or three. */
const MAX_CHAIN = 10;
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;
/** Blocks that openssl writes beside a key of an elliptic curve or of finite fields; they say nothing that the key does not. */
const PARAMETERS = /PARAMETERS$/;

/** The object identifier of the extension that demands an OCSP response (RFC 7633 §6), in DER. */
const TLS_FEATURE = Buffer.from('06082b06010505070118', 'hex');
const RESPONDER = /^OCSP - URI:(https?:\/\/\S+)$/m;

/** What one file holds. */
interface Blocks {
  readonly certificates: readonly string[];
  readonly keys: readonly string[];
}

/**
 * Reads a certificate with its chain and key.
 * @param text PEM of the chain; of the key too where `keyText` is undefined.
 * @param passphrase of an encrypted key.
 * @throws KeyError when they cannot serve.
 */
export function readServerCertificate(
  text: string,
  keyText: string | undefined,
  passphrase: string | undefined,
): ServerCertificate {
  const { certificates, keys } = blocksOf(text);
  const key = readKey(
    keyText === undefined ? keys : blocksOf(keyText).keys,
    keyText === undefined,
    passphrase,
  );
  if (keyText !== undefined && keys.length > 0) {
    throw new KeyError('holds a private key beside another file for it; must hold certificates only');
  }
  refuseWeak(key);
  const chain = readChain(certificates);
  const [own] = chain as [X509Certificate];
  if (!fits(own, key)) {
    const isMisplaced = chain.some((one) => fits(one, key));
    throw new KeyError(
      isMisplaced
        ? "holds the server's own certificate behind another; must hold it first"
        : 'holds a certificate for another key; must be the one that was issued for this private key',
    );
  }
  return {
    names: certificateNames(own.subjectAltName),
    keyType: key.asymmetricKeyType ?? 'unknown',
    curve: key.asymmetricKeyDetails?.namedCurve,
    fingerprint: createHash('sha256').update(own.raw).digest('hex'),
    responder: responderOf(own),
    mustStaple: own.raw.includes(TLS_FEATURE),
    cert: chain.map((one) => one.toString()).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    validFrom: Date.parse(own.validFrom),
    validTo: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
  };
}

/** Every certificate of a text, PEM. @throws KeyError when it holds none, or something else. */
export function readAuthorities(text: string): readonly X509Certificate[] {
  const { certificates, keys } = blocksOf(text);
  if (keys.length > 0) throw new KeyError('holds a private key; must hold certificates of authorities only');
  if (certificates.length === 0) throw new KeyError('holds no certificate; must hold PEM certificates');
  return certificates.map(parseCertificate);
}

/** The first one; undefined where the certificate names none that HTTP reaches. */
function responderOf(certificate: X509Certificate): string | undefined {
  const [, url] = RESPONDER.exec(certificate.infoAccess ?? '') ?? [];
  return url !== undefined && URL.canParse(url) ? url : undefined;
}

function blocksOf(text: string): Blocks {
  const certificates: string[] = [];
  const keys: string[] = [];
  for (const [block, label = ''] of text.matchAll(BLOCK)) {
    if (label === 'CERTIFICATE' || label === 'TRUSTED CERTIFICATE' || label === 'X509 CERTIFICATE') {
      certificates.push(block);
    } else if (label.endsWith('PRIVATE KEY')) keys.push(block);
    else if (!PARAMETERS.test(label)) {
      throw new KeyError(
        'holds a PEM block that is neither a certificate nor a private key; must hold those only',
      );
    }
  }
  return { certificates, keys };
}

function readKey(keys: readonly string[], inBundle: boolean, passphrase: string | undefined): KeyObject {
  const [block, second] = keys;
  if (block === undefined) {
    throw new KeyError(
      inBundle
        ? 'holds no private key; must hold it behind the certificates, or be written { cert: …, key: … }'
        : 'has a key file without a private key; must have one in PEM',
    );
  }
  if (second !== undefined) throw new KeyError('holds two private keys; must hold one');
  const isEncrypted = /ENCRYPTED/.test(block);
  if (isEncrypted && passphrase === undefined) {
    throw new KeyError('has an encrypted private key; must come with its passphrase');
  }
  try {
    return createPrivateKey(passphrase === undefined ? block : { key: block, passphrase });
  } catch {
    // OpenSSL's message may quote the material.
    throw new KeyError(
      isEncrypted
        ? 'has a private key that this passphrase does not open; must be its passphrase'
        : 'has a private key that cannot be read; must be PEM of PKCS#8, PKCS#1 or SEC1',
    );
  }
}

/** Clients refuse weaker keys (RFC 7525 §4.3), and OpenSSL serves no other types. */
function refuseWeak(key: KeyObject): void {
  const type = key.asymmetricKeyType ?? 'unknown';
  const length = key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
  if (!TYPES.has(type))
    throw new KeyError('has a key of a type that TLS does not know; must be RSA, EC or Ed25519');
  if (length < MIN_RSA_BITS) {
    throw new KeyError(`has an RSA key of ${length} bits; must have ${MIN_RSA_BITS} or more`);
  }
}

function readChain(blocks: readonly string[]): readonly X509Certificate[] {
  if (blocks.length === 0) throw new KeyError('holds no certificate; must hold one in PEM');
  if (blocks.length > MAX_CHAIN) {
    throw new KeyError(`holds ${blocks.length} certificates; must hold at most ${MAX_CHAIN}, of one chain`);
  }
  const chain = blocks.map(parseCertificate);
  chain.slice(1).forEach((issuer, index) => {
    const child = chain[index] as X509Certificate;
    if (!(child.checkIssued(issuer) && child.verify(issuer.publicKey))) {
      throw new KeyError(
        `holds certificate ${index + 2}, which did not issue the one before it; must hold a chain in order`,
      );
    }
  });
  return chain;
}

function parseCertificate(block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    throw new KeyError('holds a certificate that cannot be read; must hold PEM of X.509');
  }
}

function fits(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false; // A key of another type.
  }
}
