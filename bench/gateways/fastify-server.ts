import { readFileSync } from 'node:fs';
import httpProxy from '@fastify/http-proxy';
import jwt from '@fastify/jwt';
import fastify from 'fastify';

// Runs in its own process. Arguments: port, upstream port, public key file, issuer, audience.

/** Verified tokens in the cache: as many as portcullis keeps by default. */
const CACHE_ENTRIES = 100_000;

const [port, upstreamPort, keyFile, issuer, audience] = process.argv.slice(2);
if (!port || !upstreamPort || !keyFile || !issuer || !audience) {
  throw new Error('usage: fastify-server PORT UPSTREAM-PORT KEY-FILE ISSUER AUDIENCE');
}

const app = fastify({ logger: false });
await app.register(jwt, {
  secret: { public: readFileSync(keyFile, 'utf8') },
  verify: {
    algorithms: ['RS256'],
    allowedIss: issuer,
    allowedAud: audience,
    cache: CACHE_ENTRIES,
  },
});
await app.register(httpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  preHandler: async (request) => {
    await request.jwtVerify();
  },
});
await app.listen({ host: '127.0.0.1', port: Number(port) });
// Without the benchmark there is no reason to go on.
process.on('disconnect', () => process.exit(0));
