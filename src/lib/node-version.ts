/** The Node.js that runs, such as `22.23.5`. */
export const nodeVersion: string = process.versions.node;

/** A release of Node.js by its parts. */
type Release = readonly [major: number, minor: number, patch: number];

/**
 * The first releases whose TLS and HTTP/2 have none of the holes published until November 2026. No release of a line that
 * is missing here is without them; lines that begin later have never had them.
 */
const SOUND: readonly Release[] = [
  [22, 23, 5],
  [24, 22, 3],
  [26, 12, 2],
];

/** Whether this Node.js has known holes in TLS or HTTP/2. */
export function isVulnerable(version: string): boolean {
  const release = version.split('.').map((part) => Number.parseInt(part, 10));
  const [major = 0] = release;
  const sound = SOUND.find(([line]) => line === major);
  if (sound === undefined) return major <= (SOUND.at(-1) as Release)[0];
  for (const [index, least] of sound.entries()) {
    const part = release[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}

/** Whether this Node.js binds with SO_REUSEPORT on request. */
export function sharesPorts(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/** The releases that have none of them, for a message. */
export const soundVersions = `${SOUND.map((release) => release.join('.')).join(', ')} or later`;

/** Why an address with TLS is not served by a Node.js that has known holes in it. */
export function vulnerableText(address: string, version: string): string {
  return `cannot serve ${address} with TLS: Node.js ${version} has known holes in it; use ${soundVersions}, or start with --accept-vulnerable-node`;
}
