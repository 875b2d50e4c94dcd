import { chunks, framings, limits } from './response-body-rows.ts';
import { fieldLines, interims, reuse, statusLines } from './response-head-rows.ts';
import type { Row } from './response-row.ts';
import { chunkLines, disguises, foreignResponses, poison, series } from './response-smuggling-rows.ts';

export const rows: readonly Row[] = [
  ...statusLines,
  ...fieldLines,
  ...framings,
  ...reuse,
  ...interims,
  ...chunks,
  ...limits,
  ...foreignResponses,
  ...disguises,
  ...poison,
  ...series,
  ...chunkLines,
];
