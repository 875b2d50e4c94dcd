import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { der, oid, sequence, time } from './der.ts';

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const SUBJECT_ALT_NAME = oid('551d11');

/**
 * A self-signed certificate for 127.0.0.1 with a fresh key of P-256, both PEM.
 * @param dates start and end of its validity, each `YYYYMMDDHHMMSSZ`.
 * @param names further domain names of the certificate.
 */
export function loopbackCertificate(
  dates: readonly [string, string] = ['20200101000000Z', '20991231235959Z'],
  names: readonly string[] = [],
): { readonly cert: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('loopback')))));
  const subjects = sequence(
    der(0x87, Buffer.from([127, 0, 0, 1])),
    ...names.map((domain) => der(0x82, Buffer.from(domain, 'latin1'))),
  );
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    name,
    sequence(...dates.map(time)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, der(0x04, subjects)))),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', signed, privateKey));
  return {
    cert: new X509Certificate(sequence(signed, ECDSA_WITH_SHA256, signature)).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
