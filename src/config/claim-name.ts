/**
 * A claim: a name, or the list of names that leads to it. In a list dots are letters, as in `['kubernetes.io',
 * 'namespace']`; each member of the configuration says what dots mean in a single name.
 */
export type ClaimName = string | readonly string[];
