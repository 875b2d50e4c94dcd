import { createPrivateKey } from 'node:crypto';

const labels = [
  ['PRIVATE KEY', 'pkcs8'],
  ['RSA PRIVATE KEY', 'pkcs1'],
  ['EC PRIVATE KEY', 'sec1'],
] as const;

/**
 * The PEM label of a private key in DER; undefined for anything else. The readers of public keys take the public half
 * of a private one, so that only this tells them apart.
 */
export function privateLabelOf(der: Buffer): string | undefined {
  return labels.find(([, type]) => canRead(() => createPrivateKey({ key: der, format: 'der', type })))?.[0];
}

export function canRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    // Not this kind; OpenSSL's text could quote the material.
    return false;
  }
}
