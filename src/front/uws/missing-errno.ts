import { createServer } from 'node:net';
import { listenSentence } from '../bind-fault.ts';

/** Says why an address could not be bound. Binds it once more to learn the errno, which the engine does not give. */
export function whyNotBound(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => resolve(listenSentence(error.code ?? '')));
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => resolve('it was not free, and is now; try again'));
    });
  });
}
