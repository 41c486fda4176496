// How the report looks: one column that a phone and a printer can show, light and dark by the reader's own choice. Colours stay apart for
// readers who do not see all of them, and every one of them is named in words beside it.

/** The style sheet. */
export const STYLE = `
:root{color-scheme:light dark;--page:#fcfcfb;--ink:#1d2127;--soft:#565e69;--faint:#e4e6e9;--panel:#f3f4f5;--accent:#3457d5;
--hit:#2a9d8f;--late:#e9a93a;--miss:#d1495b;--dense:#4c78c9;--experts:#2a9d8f;--stall:#d1495b;--idle:#c9ced6;--idle-line:#7d8794;--warn:#8a4b00}
@media (prefers-color-scheme:dark){:root{--page:#14171b;--ink:#e7eaee;--soft:#a3acb8;--faint:#2b3138;--panel:#1c2026;--accent:#8aa4ff;
--hit:#3fb8a9;--late:#e0a640;--miss:#e2687a;--dense:#7099e3;--experts:#3fb8a9;--stall:#e2687a;--idle:#4a525d;--idle-line:#98a2af;--warn:#f0b866}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main,header,footer{max-width:1060px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:1.05rem;font-weight:600;margin:0;color:var(--soft);overflow-wrap:anywhere}
.answer{font-size:clamp(1.3rem,2.6vw,1.85rem);line-height:1.32;letter-spacing:-.01em;font-weight:600;margin:.5rem 0 .7rem;text-wrap:pretty;overflow-wrap:anywhere}
.origin{color:var(--soft);margin:0;overflow-wrap:anywhere}
.note{border-left:3px solid var(--late);padding:.1rem 0 .1rem .8rem;margin:1rem 0 0;color:var(--warn)}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:1px;background:var(--faint);border:1px solid var(--faint);border-radius:10px;overflow:hidden;margin:1.6rem 0 0}
.key div{background:var(--page);padding:.75rem 1rem}
.key dt{color:var(--soft);font-size:.82rem}.key dd{margin:0;font-size:1.35rem;font-weight:600;letter-spacing:-.01em}
.key small{display:block;font-size:.8rem;font-weight:400;color:var(--soft);letter-spacing:0}
section{margin:3rem 0 0}
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
.plot{display:grid;grid-template-columns:3.6rem 1fr;grid-template-rows:var(--h) 1.5rem auto;margin:.6rem 0 0;font-size:.78rem;color:var(--soft)}
.yaxis,.xaxis,.area{position:relative}
.yaxis span{position:absolute;right:.5rem;transform:translateY(50%);white-space:nowrap;line-height:1}
.xaxis{grid-column:2}.xaxis span{position:absolute;top:.3rem;transform:translateX(-50%);white-space:nowrap;line-height:1.2}
.xaxis .last{transform:translateX(-100%)}.xaxis .first{transform:none}
.xtitle{grid-column:2;text-align:right}
.area>svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.rule{stroke:var(--faint);vector-effect:non-scaling-stroke;fill:none}
.line{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}.dashed{stroke-dasharray:5 4}
.heat{fill:var(--accent);background:var(--panel)}
.dot{position:absolute;width:14px;height:14px;margin:0 0 -7px -7px;border-radius:50%;background:var(--accent);border:3px solid var(--page);box-shadow:0 0 0 2px var(--accent)}
.scale{display:flex;align-items:center;gap:.5rem;font-size:.82rem;color:var(--soft)}
.scale i{width:130px;height:10px;border-radius:3px;background:linear-gradient(90deg,var(--panel),var(--accent));print-color-adjust:exact;-webkit-print-color-adjust:exact}
.tip{position:absolute;z-index:2;pointer-events:none;background:var(--ink);color:var(--page);padding:.15rem .5rem;border-radius:5px;white-space:nowrap;transform:translate(-50%,-140%)}
.multiples{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:1.2rem 2rem}
.multiples>*{min-width:0}
figure{margin:.8rem 0 0}figcaption{font-size:.95rem;font-weight:500}
.scroll{overflow-x:auto;margin:.6rem 0 0}
table{border-collapse:collapse;font-size:.88rem;width:100%}
caption{text-align:left;color:var(--soft);padding-bottom:.35rem}
th,td{padding:.28rem .9rem .28rem 0;text-align:left;font-weight:400;border-bottom:1px solid var(--faint);vertical-align:top;overflow-wrap:anywhere}
thead th{color:var(--soft);font-size:.8rem;white-space:nowrap}
.n{text-align:right;white-space:nowrap}
tbody th{font-weight:500}
.better{color:var(--hit);filter:brightness(.82)}.worse{color:var(--miss);filter:brightness(.9)}
@media (prefers-color-scheme:dark){.better,.worse{filter:none}}
.mini{display:block;min-width:70px;height:.7em;margin-top:.45em;border-radius:2px;background:linear-gradient(var(--stall),var(--stall)) 0/var(--w) 100% no-repeat var(--faint);print-color-adjust:exact;-webkit-print-color-adjust:exact}
details{margin:.7rem 0}summary{cursor:pointer;font-weight:500;padding:.2rem 0}
pre{background:var(--panel);border-radius:8px;padding:1rem;overflow:auto;font-size:.82rem;line-height:1.45}
.warnings{padding:0;margin:.6rem 0 0;list-style:none}.warnings li{border-left:3px solid var(--late);padding:.1rem 0 .1rem .8rem;margin:.7rem 0;overflow-wrap:anywhere}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem;font-size:.88rem;margin-top:1.2rem}
footer{padding:2.5rem 20px;color:var(--soft);font-size:.85rem}
.u-title,.u-legend{font-size:.8rem!important}.uplot{font-family:inherit}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:1rem 2.4rem}.sides>*{min-width:0}
@media (max-width:560px){main,header,footer{padding-left:14px;padding-right:14px}.plot{grid-template-columns:3rem 1fr}section{margin-top:2.3rem}}
@media print{body{font-size:11pt}nav,.downloads{display:none}section{break-inside:avoid;margin-top:1.6rem}details{break-inside:auto}:root{--page:#fff;--ink:#000}}
`;
