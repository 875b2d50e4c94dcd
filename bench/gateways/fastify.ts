import { freePort } from '../probe.ts';
import { scriptBeside } from '../subprocesses.ts';
import type { Gateway } from './gateway.ts';

/** The usual way on Node.js: a framework, its proxy plugin and its JWT plugin with a cache. */
export const fastify: Gateway = {
  name: 'fastify',
  description: '@fastify/http-proxy and @fastify/jwt with its cache',
  checksTokens: true,
  unavailable: () => undefined,
  async start({ subprocesses, upstreamPort, keyFile, issuer, audience }) {
    const port = await freePort();
    const args = [String(port), String(upstreamPort), keyFile, issuer, audience];
    const subprocess = subprocesses.fork('gateway', scriptBeside(import.meta.url, 'fastify-server'), args);
    return { subprocess, port, configuration: `${subprocess.command}\n` };
  },
};
