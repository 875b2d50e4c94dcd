import { authorizations, eightBits, emptyNames, fields, hosts, sizes } from './request-field-rows.ts';
import { chunkLines, encodings, lengths, trailers } from './request-framing-rows.ts';
import { methods, targets, versions } from './request-line-rows.ts';
import type { Row } from './request-row.ts';
import { halfCloses, pieces, pipelines, proxyHeaders } from './request-sequence-rows.ts';

export const rows: readonly Row[] = [
  ...sizes,
  ...fields,
  ...eightBits,
  ...emptyNames,
  ...authorizations,
  ...hosts,
  ...lengths,
  ...encodings,
  ...chunkLines,
  ...trailers,
  ...methods,
  ...targets,
  ...versions,
  ...pieces,
  ...pipelines,
  ...halfCloses,
  ...proxyHeaders,
];
