/** Ports at which gateways of this process expect TLS because the run of the tests wants it. `Wire` speaks it to them. */
export const tlsPorts = new Set<number>();
