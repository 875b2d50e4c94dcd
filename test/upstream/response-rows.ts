import { chunks, framings, limits } from './response-body-rows.ts';
import { fieldLines, interims, reuse, statusLines } from './response-head-rows.ts';
import type { Row } from './response-row.ts';

export const rows: readonly Row[] = [
  ...statusLines,
  ...fieldLines,
  ...framings,
  ...reuse,
  ...interims,
  ...chunks,
  ...limits,
];
