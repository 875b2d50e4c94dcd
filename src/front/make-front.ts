import type { Front, FrontOptions } from './front.ts';
import { UwsFront } from './uws/front.ts';

/** Makes the front that serves plain-text addresses; nothing is open yet. */
export function makeFront(options: FrontOptions): Front {
  return new UwsFront(options);
}
