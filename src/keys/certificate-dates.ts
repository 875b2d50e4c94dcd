import { X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Describes the dates of the first certificate that is not valid now; undefined when there is none. The key of such a
 * certificate is used all the same.
 * @param text has been read by `parsePem`.
 * @param now wall-clock milliseconds.
 */
export function datesObstacle(text: string, now: number): string | undefined {
  for (const [pem] of text.matchAll(CERTIFICATE)) {
    const { validFrom, validTo } = new X509Certificate(pem);
    if (Date.parse(validTo) < now) return `holds a certificate that has expired on ${validTo}`;
    if (Date.parse(validFrom) > now) return `holds a certificate that is not valid before ${validFrom}`;
  }
  return undefined;
}
