import { newSha256 } from '../../base/host/hash.js';
import { printable } from '../format.js';
import { clientScript, pageStyle } from './assets.js';
import { embedJson, html, Markup, type Piece } from './markup.js';

/** A constant: bundlers rewrite tagged templates that contain the tag. */
const SCRIPT_END = new Markup('</script>');

interface Page {
  readonly title: string;
  readonly header: Piece;
  readonly body: Piece;
  readonly footer: Piece;
  readonly data: unknown;
  /** Scripts run in order at the end of the page. */
  readonly scripts: readonly string[];
  readonly styles?: readonly string[];
  readonly description?: string;
  /** True: scripts may start threads and compile WebAssembly. */
  readonly computes?: boolean;
}

/** No external resources. The content security policy allows listed scripts by digest. */
export function page(parts: Page): string {
  const { title, header, body, footer, data, scripts: own, styles = [], description, computes = false } = parts;
  const content = html`${body}`;
  const scripts = content.text.includes('<pre class="copy">') ? [...own, clientScript('copy')] : own;
  const digests = scripts.map((code) => `'sha256-${newSha256().update(code).digest('base64')}'`);
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${digests.length === 0 ? "'none'" : digests.join(' ')}${computes ? " 'wasm-unsafe-eval'; worker-src blob:" : ''}; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="moeprof">
${
  description !== undefined &&
  html`<meta name="description" content="${description}">
`
}<title>${printable(title)}</title>
<style>${new Markup([...styles, '', pageStyle()].join('\n'))}</style>
</head>
<body>
<header>${header}</header>
<main>
${content}</main>
<footer>${footer}</footer>
<script type="application/json" id="data">${embedJson(data)}${SCRIPT_END}
${scripts.map(
  (code) => html`<script>${new Markup(code)}${SCRIPT_END}
`,
)}</body>
</html>
`.text;
}

/** Link that saves `text` as a file, without a script. Data URLs allow unescaped commas. */
export function download(label: string, file: string, text: string): Markup {
  const address = encodeURIComponent(text).replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/');
  return html`<a download="${file}" href="data:text/csv;charset=utf-8,${address}">${label}</a>`;
}
