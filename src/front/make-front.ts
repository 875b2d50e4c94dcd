import type { Front, FrontOptions } from './front.ts';
import { UwsFront } from './uws/front.ts';

/** Makes the front for plain-text addresses. It is not open yet. */
export function makeFront(options: FrontOptions): Front {
  return new UwsFront(options);
}
