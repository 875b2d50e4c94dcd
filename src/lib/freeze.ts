/** Freezes a value and its members, also those of maps. The maps themselves are read-only only by their type. */
export function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) for (const member of value.values()) freeze(member);
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}
