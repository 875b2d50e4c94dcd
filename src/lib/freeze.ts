/** Freezes what it is made of; the values of maps too, the maps themselves are read-only by their type. */
export function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) for (const member of value.values()) freeze(member);
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}
