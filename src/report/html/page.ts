// The file around a report: one document that asks for nothing from anywhere. Its content security policy allows the one script that it
// carries, by its digest, so that even a mistake in escaping would run nothing.
import { createHash } from 'node:crypto';
import { printable } from '../format.js';
import { embedJson, html, Markup, type Piece } from './markup.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

/** A document. */
export interface Page {
  readonly title: string;
  readonly header: Piece;
  readonly body: Piece;
  readonly footer: Piece;
  /** What scripts read. */
  readonly data: unknown;
}

/** The whole file. */
export function page({ title, header, body, footer, data }: Page): string {
  const digest = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="moeprof">
<title>${printable(title)}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>${header}</header>
<main>
${body}</main>
<footer>${footer}</footer>
<script type="application/json" id="data">${embedJson(data)}</script>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text;
}

/** A link that saves `text` as a file, without a script. */
export function download(label: string, file: string, type: string, text: string): Markup {
  return html`<a download="${file}" href="data:${type};charset=utf-8,${encodeURIComponent(text)}">${label}</a>`;
}
