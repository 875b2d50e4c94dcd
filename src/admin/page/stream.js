/** Milliseconds without an event, of which there is one a second, after which the gateway counts as gone. */
const SILENT_MS = 5_000;
/** Milliseconds between two attempts to come back, and when the gateway has refused. */
const RETRY_MS = 1_000;
const REFUSED_MS = 10_000;

/**
 * Follows the stream of the status for good. It is read by `fetch`, because an EventSource does not tell why it got none.
 * @param {{
 *   onEvent: (data: any) => void,
 *   onGone: () => void,
 *   onRefused: (status: number, text: string) => void,
 * }} events `onGone` and `onRefused` are called for each attempt that failed.
 */
export async function follow(events) {
  /** The id of the last event, by which the gateway knows what this page has missed. */
  const place = { id: '' };
  for (;;) {
    const wait = await attempt(events, place);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Reads one stream to its end. Yields the milliseconds until the next. Never rejects. */
async function attempt({ onEvent, onGone, onRefused }, place) {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(), SILENT_MS);
  try {
    const headers = place.id === '' ? {} : { 'Last-Event-ID': place.id };
    const response = await fetch('/status/stream', { headers, signal: stop.signal, cache: 'no-store' });
    if (response.status !== 200 || response.body === null) {
      onRefused(response.status, (await response.text()).slice(0, 200));
      return REFUSED_MS;
    }
    for await (const event of eventsOf(response.body.pipeThrough(new TextDecoderStream()).getReader())) {
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), SILENT_MS);
      place.id = event.id;
      onEvent(JSON.parse(event.data));
    }
    // The gateway ends a stream after some minutes; the next one follows at once.
    return 0;
  } catch {
    onGone();
    return RETRY_MS;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/** The events of a stream (HTML Living Standard § 9.2.6), each with one line of data, as this gateway writes them. */
async function* eventsOf(reader) {
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const field = (name) => part.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1] ?? '';
      yield { id: field('id'), data: field('data') };
    }
  }
}
