import { after, afterEach, before, beforeEach } from 'node:test';
import { startGateway, type TestGateway, type TestOptions } from './gateway.ts';
import { Origin } from './origin.ts';

interface Pair {
  readonly origin: Origin;
  readonly gateway: TestGateway;
}

/**
 * An origin, and a gateway that lets every request through to it, for the tests of a file.
 * @param how `once` for all of them, or `anew` for each.
 * @param take receives both before any test that may use them.
 * @param options without them no time-out is short enough to end a test.
 */
export function publicGateway(
  how: 'once' | 'anew',
  take: (made: Pair) => void,
  options: Omit<TestOptions, 'upstreamPort'> = {},
): void {
  const [begin, end] = how === 'once' ? [before, after] : [beforeEach, afterEach];
  let made: Pair | undefined;
  begin(async () => {
    const origin = await Origin.start();
    made = {
      origin,
      gateway: await startGateway({ routes: [{ auth: 'none' }], ...options, upstreamPort: origin.port }),
    };
    take(made);
  });
  end(async () => {
    await made?.gateway.close();
    await made?.origin.close();
  });
}
