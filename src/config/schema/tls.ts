import * as z from 'zod';
import { either, list, must, oneOf, section, text } from './fields.ts';

export const certHint = 'a path to a PEM file, or PEM text';
export const keyHint = `a path to a PEM file, or PEM text, best as \${NAME} from the environment`;
export const passphraseHint = `the passphrase of the key, best as \${NAME} from the environment`;

/** Certificates of one address. Each is compared with the others, and a choice by name searches none of them. */
const MAX_CERTIFICATES = 1000;

/** PEM material, or where it is. */
export function material(right: string): z.ZodString {
  return z
    .string({ error: must(right) })
    .min(1, { error: must(right) })
    .meta({ title: right });
}

const pair = section({
  cert: material(certHint)
    .describe('The chain, with the certificate of the server first. It may hold the key too.')
    .optional(),
  key: material(keyHint).describe('The private key, where it is not in the file of the chain.').optional(),
  passphrase: material(passphraseHint).describe('The passphrase of an encrypted key.').optional(),
}).meta({ required: ['cert'] });

const certificateHint = 'a path to a PEM file with chain and key, or { cert: …, key: … }';
const certificate = either([material(certificateHint), pair], certificateHint);

/** One certificate as the file has it. */
export type FileCertificate = z.output<typeof certificate>;

const clientCertificates = section({
  ca: material(certHint).describe('The authorities that sign certificates of clients, PEM.').optional(),
  mode: oneOf(['required', 'optional'])
    .prefault('required')
    .describe(
      '`required`: a client without a certificate is refused. `optional`: it may have one, which must be valid.',
    ),
  crl: material(certHint)
    .describe('Lists of revoked certificates, PEM: one of each authority in `ca`.')
    .optional(),
}).meta({ required: ['ca'] });

/** TLS of one address. */
export const tls = section({
  certificates: either(
    [certificate, list(certificate, `a list, each entry ${certificateHint}`, MAX_CERTIFICATES)],
    `${certificateHint}, or a list of them`,
  )
    .describe(
      'Certificates, chosen by the name that the client asks for. The first one is for clients that name none. Paths start at the folder of this file.',
    )
    .optional(),
  minVersion: oneOf(['TLSv1.2', 'TLSv1.3'])
    .prefault('TLSv1.2')
    .describe('The oldest version that is spoken.'),
  ciphers: text('default, or an OpenSSL list such as ECDHE+AESGCM')
    .prefault('default')
    .describe('Cipher suites of TLS 1.2 as an OpenSSL list. `default`: with forward secrecy and AEAD only.'),
  unknownName: oneOf(['default', 'refuse'])
    .prefault('default')
    .describe('Clients that ask for a name of no certificate get the first one, or are refused.'),
  stapling: oneOf(['on', 'off'])
    .prefault('on')
    .describe(
      'Fetches the OCSP response of each certificate whose issuer names a responder, and sends it beside the certificate.',
    ),
  clientCertificates: clientCertificates
    .describe('Asks clients for a certificate. Without this key none is asked for.')
    .optional(),
}).meta({ required: ['certificates'] });

export type FileTls = z.output<typeof tls>;

/** Protocols of an address, by their names in ALPN; `h2c` is HTTP/2 without TLS. */
export const protocols = list(oneOf(['h2', 'http/1.1', 'h2c']), 'a list such as [h2, http/1.1]').optional();
