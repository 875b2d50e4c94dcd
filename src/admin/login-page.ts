import { createHash } from 'node:crypto';
import type { Page } from './page.ts';

const style = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:1rem/1.5 system-ui,sans-serif}
main{width:min(20rem,100vw - 2rem)}
h1{font-size:1.25rem}
label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}
input,button{margin:.25rem 0 1rem;padding:.5rem}
`;

/** Nothing from elsewhere, no script, and no other page around it. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const headers = {
  'content-security-policy': policy,
  'x-frame-options': 'DENY',
  // A form under the policy no-referrer has `Origin: null`, which says nothing of its page.
  'referrer-policy': 'same-origin',
};

/**
 * The form that asks for the secret. It works without a script.
 * @param fault what was wrong with the last attempt: a sentence of ours, without any text from outside.
 */
export function loginPage(status: number, fault?: string, more: Readonly<Record<string, string>> = {}): Page {
  const told = fault === undefined ? '' : `<p role="alert">${fault}</p>\n`;
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>portcullis: log in</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>portcullis</h1>
${told}<form method="post" action="/login">
<label for="secret">Secret of the admin address</label>
<input id="secret" name="secret" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>
</form>
</main>
</body>
</html>
`;
  return { status, type: 'text/html; charset=utf-8', body, headers: { ...headers, ...more } };
}
