// The HTML document of a report, without external resources. Its content security policy allows only its own scripts, by digest, so that a
// mistake in escaping could not run any.
import { newSha256 } from '../../base/host/hash.js';
import { printable } from '../format.js';
import { embedJson, html, Markup, type Piece } from './markup.js';

/** A constant, because bundlers rewrite tagged templates that contain this tag, with an external helper. */
const SCRIPT_END = new Markup('</script>');

/** A document. */
interface Page {
  readonly title: string;
  readonly header: Piece;
  readonly body: Piece;
  readonly footer: Piece;
  /** Data for scripts. */
  readonly data: unknown;
  /** Code, run in this order at the end of the page. */
  readonly scripts: readonly string[];
  /** Additional style sheets. */
  readonly styles?: readonly string[];
}

/** The whole file. */
export function page({ title, header, body, footer, data, scripts, styles = [] }: Page): string {
  const digests = scripts.map((code) => `'sha256-${newSha256().update(code).digest('base64')}'`);
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${digests.length === 0 ? "'none'" : digests.join(' ')}; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="moeprof">
<title>${printable(title)}</title>
<style>${new Markup([...styles, STYLE].join('\n'))}</style>
</head>
<body>
<header>${header}</header>
<main>
${body}</main>
<footer>${footer}</footer>
<script type="application/json" id="data">${embedJson(data)}${SCRIPT_END}
${scripts.map(
  (code) => html`<script>${new Markup(code)}${SCRIPT_END}
`,
)}</body>
</html>
`.text;
}

/** A link that saves `text` as a file, without a script. Commas are left unescaped: data URLs allow them, and tables have many. */
export function download(label: string, file: string, text: string): Markup {
  const address = encodeURIComponent(text).replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/');
  return html`<a download="${file}" href="data:text/csv;charset=utf-8,${address}">${label}</a>`;
}

/** The style sheet. */
const STYLE = `
:root{color-scheme:light dark;--page:#fcfcfb;--ink:#1d2127;--soft:#565e69;--faint:#e4e6e9;--panel:#f3f4f5;--accent:#3457d5;
--hit:#2a9d8f;--late:#e9a93a;--miss:#d1495b;--dense:#4c78c9;--belady:#8a5cc2;--base:#8b95a3;--experts:#2a9d8f;--stall:#d1495b;--idle:#c9ced6;--idle-line:#7d8794;--warn:#8a4b00;--good:#1c7367;--bad:#b3263c}
@media screen and (prefers-color-scheme:dark){:root{--page:#14171b;--ink:#e7eaee;--soft:#a3acb8;--faint:#2b3138;--panel:#1c2026;--accent:#8aa4ff;
--hit:#3fb8a9;--late:#e0a640;--miss:#e2687a;--dense:#7099e3;--belady:#b691ea;--base:#8d97a5;--experts:#3fb8a9;--stall:#e2687a;--idle:#4a525d;--idle-line:#98a2af;--warn:#f0b866;--good:#4cc9b9;--bad:#f2808f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main,header,footer{max-width:1060px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:1.05rem;font-weight:600;margin:0;color:var(--soft);overflow-wrap:anywhere}
.answer{font-size:clamp(1.3rem,2.6vw,1.85rem);line-height:1.32;letter-spacing:-.01em;font-weight:600;margin:.5rem 0 .7rem;text-wrap:pretty;overflow-wrap:anywhere}
.context{max-width:46rem;margin:0 0 .5rem;overflow-wrap:anywhere}
.origin{color:var(--soft);margin:0;overflow-wrap:anywhere}
.note{border-left:3px solid var(--late);padding:.1rem 0 .1rem .8rem;margin:1rem 0 0;color:var(--warn)}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(46%,230px),1fr));gap:1px;border:1px solid var(--faint);border-radius:10px;overflow:hidden;margin:1.6rem 0 0}
.key div{box-shadow:0 0 0 1px var(--faint);padding:.7rem .8rem}
.key dt{color:var(--soft);font-size:.78rem}.key dd{margin:0;font-size:1.2rem;white-space:nowrap;font-weight:600;letter-spacing:-.01em}
.key small{display:block;white-space:normal;font-size:.8rem;font-weight:400;color:var(--soft);letter-spacing:0}
section{margin:3rem 0 0;scroll-margin-top:1rem}
h2{font-size:1.2rem;margin:0 0 .2rem;letter-spacing:-.005em}
h3{font-size:.95rem;font-weight:500;margin:1.3rem 0 .2rem;color:var(--ink);overflow-wrap:anywhere}
.about{color:var(--soft);margin:0 0 .8rem;max-width:46rem}
.bar{display:flex;height:28px;border-radius:6px;overflow:hidden;background:var(--faint);gap:1px}
.bar i{display:block;min-width:1px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.parts{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:.7rem 1.4rem;margin:.9rem 0 0}
.parts dt{color:var(--soft);font-size:.88rem;overflow-wrap:anywhere}.parts dd{margin:0}.parts b{font-size:1.1rem;margin-right:.35rem}
.parts i,.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:.45rem;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.bounds p{margin:1.1rem 0 .35rem}.bounds .bar{height:12px}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.5rem 0;font-size:.88rem;color:var(--soft)}
.plot{display:grid;grid-template-columns:62px minmax(0,1fr);grid-template-rows:auto var(--h) 1.5rem auto;margin:.6rem 0 0;font-size:.78rem;color:var(--soft)}
.ytitle{grid-area:1/1/2/3;padding-bottom:.5rem;line-height:1.35}
.yaxis,.xaxis,.area{position:relative}
.yaxis span{position:absolute;right:.5rem;transform:translateY(50%);white-space:nowrap;line-height:1}
.xaxis{grid-column:2}.xaxis span{position:absolute;top:.3rem;transform:translateX(-50%);white-space:nowrap;line-height:1.2}
.xaxis .last{transform:translateX(-100%)}.xaxis .first{transform:none}
.xtitle{grid-column:2;text-align:center}
.area>svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.rule{stroke:var(--faint);vector-effect:non-scaling-stroke;fill:none}
.line{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}.dashed{stroke-dasharray:5 4}
.heat{fill:var(--accent);background:var(--panel)}
.dot{position:absolute;width:10px;height:10px;margin:0 0 -5px -5px;border-radius:50%;background:var(--dot);box-shadow:0 0 0 2px var(--page);print-color-adjust:exact;-webkit-print-color-adjust:exact}
.dot span{position:absolute;left:13px;top:5px;line-height:1.2;font-weight:600;color:var(--ink);white-space:nowrap;text-shadow:0 0 3px var(--page),0 0 3px var(--page),0 0 3px var(--page)}.dot.left span{left:auto;right:-10px;top:15px}
.scale{display:flex;align-items:center;gap:.5rem;font-size:.82rem;color:var(--soft)}
.scale i{width:130px;height:10px;border-radius:3px;background:linear-gradient(90deg,var(--panel),var(--accent));print-color-adjust:exact;-webkit-print-color-adjust:exact}
.tip{position:absolute;z-index:2;pointer-events:none;background:var(--ink);color:var(--page);padding:.15rem .5rem;border-radius:5px;white-space:nowrap;transform:translate(-50%,-140%)}
.multiples{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:1.2rem 2rem}
.multiples>*{min-width:0}
figure{margin:.8rem 0 0}figcaption{font-size:.95rem;font-weight:500}
.scroll{overflow-x:auto;margin:.6rem 0 0}
table{border-collapse:collapse;font-size:.88rem;width:100%}
caption{text-align:left;color:var(--soft);padding-bottom:.35rem}.again{position:absolute;width:1px;height:1px;padding:0;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.28rem .9rem .28rem 0;text-align:left;font-weight:400;border-bottom:1px solid var(--faint);vertical-align:top;overflow-wrap:anywhere}
thead th{color:var(--soft);font-size:.8rem;white-space:nowrap}
.n{text-align:right;white-space:nowrap}
tbody th{font-weight:500;white-space:nowrap}td:not(.n):not(:empty){min-width:8em}
.better{color:var(--good)}.worse{color:var(--bad)}
.mini{display:block;min-width:70px;height:.7em;margin-top:.45em;border-radius:2px;background:linear-gradient(var(--c),var(--c)) 0/var(--w) 100% no-repeat var(--faint);print-color-adjust:exact;-webkit-print-color-adjust:exact}
details{margin:.7rem 0}summary{cursor:pointer;font-weight:500;padding:.2rem 0}
code{white-space:nowrap}
pre{background:var(--panel);border-radius:8px;padding:1rem;overflow:auto;font-size:.82rem;line-height:1.45}
.faults{padding:0;margin:.6rem 0;list-style:none}.faults li{border-left:3px solid var(--idle-line);padding:.1rem 0 .1rem .8rem;margin:.5rem 0;overflow-wrap:anywhere}
.faults .error{border-color:var(--miss)}.faults .warn{border-color:var(--late)}.soft{color:var(--soft)}
.verdict{font-weight:600;margin:.6rem 0 0}.verdict+.answer{margin-top:.2rem}
.causes div{margin:.6rem 0}.causes dt{color:var(--soft);float:left}.causes dd{margin:0 0 0 6rem}
.key-dot{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:.45rem;print-color-adjust:exact;-webkit-print-color-adjust:exact}
article{margin-top:3.5rem}article hr{border:0;border-top:2px solid var(--faint);margin:0 0 2rem}h2.title{font-size:1.4rem;overflow-wrap:anywhere}
.warnings{padding:0;margin:.6rem 0 0;list-style:none}.warnings li{border-left:3px solid var(--late);padding:.1rem 0 .1rem .8rem;margin:.7rem 0;overflow-wrap:anywhere}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;font-size:.88rem;margin-top:1.1rem}
footer{padding:2.5rem 20px;color:var(--soft);font-size:.85rem}
.live{grid-column:1/-1;min-width:0}.uplot{font-family:inherit;width:100%}.u-over{cursor:crosshair}
.u-select{background:color-mix(in srgb,var(--accent) 22%,transparent)}.u-hz .u-cursor-x{border-color:var(--ink)}
.readout{grid-area:1/2/2/3;justify-self:end;color:var(--ink);line-height:1.35}
.tools{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem .5rem;font-size:.85rem;color:var(--soft);margin:.2rem 0 .8rem}
.tools button{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--faint);border-radius:6px;padding:.2rem .65rem;cursor:pointer;min-height:28px}
@media screen{.zooms>.area,.zooms>.yaxis,.zooms>.xaxis{position:absolute;visibility:hidden;width:1px}.zooms{position:relative;grid-template-rows:none}.zooms>.area{height:var(--h)}}
@media print{.live,.readout,.tools{display:none}}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:1rem 2.4rem}.sides>*{min-width:0}
@media (max-width:560px){.xaxis.dense span:nth-child(even){display:none}main,header,footer{padding-left:14px;padding-right:14px}section{margin-top:2.3rem}
.wide thead{position:absolute;display:block;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.wide,.wide caption,.wide tbody,.wide tr{display:block}.wide tr{padding:.45rem 0;border-bottom:1px solid var(--faint)}
.wide tbody th{display:block;white-space:normal;border:0;padding:0}.wide tbody td:not(.n):not(:empty),.wide tbody td{display:inline-block;min-width:0;white-space:normal;text-align:left;border:0;padding:0 1rem 0 0}
.wide .again{position:static;width:auto;height:auto;padding:0 0 .35rem;clip-path:none}.wide td[data-label]::before{content:attr(data-label) " ";color:var(--soft);font-size:.8rem}.wide tbody td:empty{display:none}.wide .mini{width:150px}}
@media print{body{font-size:11pt}nav,.downloads{display:none}section{break-inside:avoid;margin-top:1.6rem}details{break-inside:auto}:root{--page:#fff;--ink:#000}}
`;
