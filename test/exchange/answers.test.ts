import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { grant } from '../../src/auth/permit.ts';
import { rejections } from '../../src/auth/rejections.ts';
import type { Permit, Rejection } from '../../src/auth/verdict.ts';
import type { Answer, AnswerOwner } from '../../src/exchange/answer.ts';
import { Answers } from '../../src/exchange/answers.ts';
import type { ResponseHead } from '../../src/http/message.ts';
import { bareHead, ScriptedStream } from '../support/scripted-front.ts';
import { VirtualTime } from '../watch/virtual-time.ts';

const SECOND = 1_000;
const permit = grant('', false);

function headOf(type: string, framing: ResponseHead['framing'] = 'chunked', more = ''): ResponseHead {
  const lines = `200 OK\r\nContent-Type: ${type}${more}`;
  return { status: 200, lines, eightBit: false, framing, contentLength: framing === 'length' ? 100 : -1 };
}

/** An exchange without one, which notes how its response ends. */
class FakeOwner implements AnswerOwner {
  readonly client = new ScriptedStream(bareHead);
  readonly #answers: Answers;
  answer: Answer;
  end: string | undefined;

  constructor(answers: Answers, head: ResponseHead) {
    this.#answers = answers;
    this.answer = answers.add(this, '/', bareHead, head);
    this.client.begin(head);
  }

  /** The response goes on; returns what the client gets of it. */
  send(text: string): string {
    const pieces = this.answer.take([Buffer.from(text)]);
    this.client.send(pieces, false);
    this.answer.settle();
    return Buffer.concat(pieces).toString();
  }

  onAnswerOver(reason: string, whole: boolean): void {
    this.end = `${reason}${whole ? ' whole' : ''}`;
    this.#answers.delete(this.answer);
  }
}

describe('responses that end with their token', () => {
  let time: VirtualTime;
  let answers: Answers;
  let verdict: Permit | Rejection;
  let version: number;
  let end: number;

  beforeEach(() => {
    time = new VirtualTime();
    verdict = permit;
    version = 0;
    end = 1_000_000;
    const judge = {
      get version() {
        return version;
      },
      judge: () => verdict,
      endOf: () => end,
    };
    answers = new Answers({ clock: time.clock, timers: time.timers, judge });
  });

  async function revoke(): Promise<void> {
    verdict = rejections.revoked;
    version += 1;
    await time.pass(200);
  }

  test('end at its end, an event stream whole and any other cut', async () => {
    end = 3;
    const events = new FakeOwner(answers, headOf('text/event-stream; charset=utf-8'));
    const file = new FakeOwner(answers, headOf('application/pdf'));
    const sized = new FakeOwner(answers, headOf('text/event-stream', 'length'));
    const coded = new FakeOwner(answers, headOf('text/event-stream', 'chunked', '\r\nContent-Encoding: br'));
    const over = new FakeOwner(answers, headOf('text/event-stream'));
    answers.delete(over.answer);
    const owners = [events, file, sized, coded];
    for (const owner of owners) owner.send('data: 1\n\n');
    await time.pass(2_800);
    verdict = rejections.expired;
    assert.ok(owners.every((owner) => owner.end === undefined));
    await time.pass(400);
    const cut = 'token_expired';
    assert.deepEqual(
      owners.map((owner) => owner.end),
      [`${cut} whole`, cut, cut, cut],
    );
    assert.equal(answers.size, 0);
    assert.deepEqual(
      [...answers.ends.members].map(([reason, { value }]) => [reason, value]),
      [[cut, 4]],
    );
    await time.pass(SECOND);
    assert.equal(time.armed, 0, 'no timer is left');
  });

  for (const [what, parts] of [
    ['LF', ['data: 1\n', '\n']],
    ['CRLF', ['data: 1\r\n', '\r', '\n']],
    ['CR', ['data: 1\r', '\r']],
    ['LF, byte by byte', [...'data: 1\n\n']],
    ['CRLF, byte by byte', [...'data: 1\r\n\r\n']],
  ] as const) {
    test(`end behind the event that is under way, where lines end with ${what}`, async () => {
      const owner = new FakeOwner(answers, headOf('TEXT/EVENT-STREAM'));
      const [first = '', ...rest] = parts;
      owner.send(`: before\n\n${first}`);
      await revoke();
      assert.equal(owner.end, undefined);
      const last = rest.pop() as string;
      for (const part of rest) owner.send(part);
      assert.equal(owner.end, undefined, 'the event is not whole');
      assert.equal(owner.send(`${last}data: never\n\n`), last);
      assert.equal(owner.end, 'token_revoked whole');
    });
  }

  test('end without the rest of an event that does not come', async () => {
    const owner = new FakeOwner(answers, headOf('text/event-stream'));
    owner.send('data: 1');
    await revoke();
    await time.pass(600);
    assert.equal(owner.end, undefined);
    await time.pass(200);
    assert.equal(owner.end, 'token_revoked whole');
    await time.pass(SECOND);
    assert.equal(time.armed, 0);
  });

  test('end when the client has taken what it was sent, or are cut', async () => {
    for (const takes of [true, false]) {
      verdict = permit;
      const owner = new FakeOwner(answers, headOf('text/event-stream'));
      owner.client.free = false;
      owner.send('data: 1\n\n');
      await revoke();
      assert.equal(owner.end, undefined);
      if (takes) {
        owner.client.drain();
        owner.answer.settle();
      } else await time.pass(800);
      assert.equal(owner.end, takes ? 'token_revoked whole' : 'token_revoked');
    }
  });

  test('are not ended twice, nor after their own end', async () => {
    const owner = new FakeOwner(answers, headOf('text/event-stream'));
    owner.send('data: 1');
    await revoke();
    version += 1;
    answers.judgeAll();
    await time.pass(200);
    answers.delete(owner.answer);
    await time.pass(2 * SECOND);
    assert.equal(owner.end, undefined);
    assert.equal(time.armed, 0);
  });

  test('cost one timer, whatever their number and ends', async () => {
    const owners = Array.from({ length: 2_000 }, () => new FakeOwner(answers, headOf('text/event-stream')));
    assert.equal(time.armed, 1);
    await time.pass(SECOND);
    assert.equal(time.armed, 1);
    for (const { answer } of owners) answers.delete(answer);
    await time.pass(200);
    assert.equal(time.armed, 0);
  });
});
