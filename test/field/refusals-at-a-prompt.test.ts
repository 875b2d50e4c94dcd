// Source: an operator's report: the bodies of refusals end without a newline, so a shell writes its prompt behind them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Reason, reasons } from '../../src/reasons.ts';
import { Replies } from '../../src/replies/replies.ts';
import { startGateway } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

const textOf = (body: Uint8Array): string => Buffer.from(body).toString();

test('each refusal is one line of JSON that ends with a newline', () => {
  const replies = new Replies('rfc6750', 'portcullis', ['orders:read']);
  for (const word of Object.keys(reasons) as Reason[]) {
    const text = textOf(replies.of(word).body);
    assert.match(text, /^[^\n]+\n$/, word);
    assert.equal(JSON.parse(text).code, word);
  }
  const { body } = replies.ofRejection({
    kind: 'rejection',
    reason: 'scope_insufficient',
    scope: 'orders:read',
    stage: undefined,
  });
  assert.match(textOf(body), /^[^\n]+\n$/);
});

test('the messages of rejection: haproxy stay unchanged, letter for letter', () => {
  const replies = new Replies('haproxy', 'portcullis');
  const { body } = replies.ofRejection({ kind: 'rejection', reason: 'token_missing', stage: 'header' });
  assert.equal(textOf(body), 'Missing Authorization HTTP header');
});

test('Content-Length counts the newline', async () => {
  const gateway = await startGateway({ upstreamPort: 9 });
  try {
    const reply = await request(gateway.port, 'GET /orders HTTP/1.1\r\nHost: a.example\r\n\r\n');
    assert.equal(reply.status, 401);
    assert.ok(reply.body.endsWith('}\n'), reply.body);
    assert.equal(reply.headers.get('content-length'), String(Buffer.byteLength(reply.body)));
  } finally {
    await gateway.close();
  }
});
