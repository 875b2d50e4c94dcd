import { createPrivateKey } from 'node:crypto';

const labels = [
  ['PRIVATE KEY', 'pkcs8'],
  ['RSA PRIVATE KEY', 'pkcs1'],
  ['EC PRIVATE KEY', 'sec1'],
] as const;

/**
 * The PEM label of a private key in DER; undefined for anything else. Node's reader of public keys accepts private keys
 * and takes their public half: it does not distinguish the two.
 */
export function privateLabelOf(der: Buffer): string | undefined {
  return labels.find(([, type]) => canRead(() => createPrivateKey({ key: der, format: 'der', type })))?.[0];
}

/** Whether the function returns without an error. */
export function canRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    // Another kind of key. OpenSSL's message may quote the material.
    return false;
  }
}
