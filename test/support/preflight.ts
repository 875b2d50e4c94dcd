import type { PreflightConfig } from '../../src/config/config.ts';

/** Pages of every origin may send GET. */
export const openPreflight: PreflightConfig = {
  kind: 'answer',
  origins: '*',
  methods: ['GET'],
  headers: [],
  maxAgeMs: undefined,
  credentials: false,
};
