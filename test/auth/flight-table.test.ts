import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Issuer } from '../../src/auth/policy/issuer.ts';
import { type Chained, FlightTable } from '../../src/auth/verify/flight-table.ts';
import { issuer } from './support.ts';

const one = new Issuer(issuer());
const other = new Issuer(issuer());
const flight = (token: string, owner = one): Chained => ({ token, issuer: owner, next: undefined });

test('a flight is found by its whole token and its issuer, until it is deleted', () => {
  const table = new FlightTable<Chained>();
  const flights = ['a', 'b', 'c'].map((name) => flight(`${name}.same-tail`));
  for (const each of flights) table.add(each);
  for (const each of flights) assert.equal(table.find(each.token, one), each);
  assert.equal(table.find('d.same-tail', one), undefined);
  assert.equal(table.find('a.same-tail', other), undefined);
  table.delete(flights[1] as Chained);
  assert.equal(table.find('b.same-tail', one), undefined);
  assert.equal(table.find('a.same-tail', one), flights[0]);
  assert.equal(table.find('c.same-tail', one), flights[2]);
});

test('a token made to collide with others is compared with eight of them at most', () => {
  const table = new FlightTable<Chained>();
  const flights = Array.from({ length: 20 }, (_, n) => flight(`${n}.same-tail`));
  for (const each of flights) table.add(each);
  const found = flights.filter((each) => table.find(each.token, one) === each);
  assert.equal(found.length, 8);
  for (const each of flights) table.delete(each);
  assert.ok(flights.every((each) => table.find(each.token, one) === undefined));
  table.add(flights[19] as Chained);
  assert.equal(table.find('19.same-tail', one), flights[19]);
});
