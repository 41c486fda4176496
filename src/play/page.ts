// The page as a single file, with the computing thread's code.
import { clientScript, codeAt, DOCUMENT_STYLE, html, type Markup, page, scriptAt } from '../report/door.js';
import { VERSION } from '../result/version.js';
import { DEFAULT_RUNTIME } from '../runtime/door.js';

/** @param values steps in order */
const slider = (
  id: string,
  label: string,
  values: readonly (number | string)[],
): Markup => html`<p class="knob" data-knob="${id}"><label for="${id}">${label}</label><output for="${id}"></output>
<input type="range" id="${id}" min="0" max="${values.length - 1}" step="1" data-values="${values.join(' ')}"></p>
`;

const choice = (
  id: string,
  label: string,
  options: readonly (readonly [value: string, text: string])[],
): Markup => html`<p class="knob" data-knob="${id}"><label for="${id}">${label}</label>
<select id="${id}">${options.map(([value, text]) => html`<option value="${value}">${text}</option>`)}</select></p>
`;

/** A choice of many, by typing. */
const search = (id: string, label: string): Markup => html`<p class="knob search" data-knob="${id}"><label for="${id}">${label}</label>
<input id="${id}" role="combobox" aria-expanded="false" aria-controls="${id}-list" aria-autocomplete="list" autocomplete="off" spellcheck="false">
<span class="list" role="listbox" id="${id}-list" aria-label="${label}" hidden></span></p>
`;

const numbers = (...values: number[]): [string, string][] => values.map((value) => [String(value), String(value)]);
const RAM = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
const VRAM = [4, 6, 8, 10, 11, 12, 16, 20, 22, 24, 32, 40, 48, 64, 80, 96, 128, 141, 192, 288];
const MTS = [1600, 2133, 2400, 2666, 2933, 3200, 3600, 4000, 4400, 4800, 5200, 5600, 6000, 6400, 6800, 7200, 8000, 8800];
const CONTEXT = [2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576];
const LANES = [5, 4, 3].flatMap((generation) =>
  [16, 8, 4, 1].map((lanes): [string, string] => [`${generation}x${lanes}`, `${generation}.0 x${lanes}`]),
);

const CONTROLS = html`<form id="ask" aria-label="Question">
${search('model', 'Model')}<p class="knob" data-knob="every"><button type="button" id="every">Which models run on this machine?</button></p>
<p class="knob" data-knob="timing"><label for="timing">Measured on this machine: paste a log, a table of llama-bench, or a sentence</label>
<textarea id="timing" rows="3" spellcheck="false" placeholder="gpt-oss-120b, RTX 3090, 64 GB, -ncmoe 30, 11 tok/s"></textarea></p>
<div id="read" role="status"></div>
${search('gpu', 'Graphics card')}${choice('gpus', 'Cards', numbers(1, 2, 3, 4, 6, 8))}${slider('vram', 'Memory of a card, GB', VRAM)}${search('cpu', 'Processor')}${slider('ram', 'Main memory, GB', RAM)}${slider('channels', 'Channels of memory', [1, 2, 4, 6, 8, 12, 16, 24])}${slider('mts', 'Speed of memory, MT/s', MTS)}${choice('pcie', 'PCIe slot', LANES)}${choice('runtime', 'Engine', [['', DEFAULT_RUNTIME]])}${search('quantizations', 'Format')}${slider('context', 'Context, tokens', ['', ...CONTEXT])}${slider('slots', 'Slots of an expert cache', [''])}
<details><summary>More: users, drafts, goal</summary>
${slider('prompt', 'Prompt, tokens', ['', 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])}${choice('users', 'Users at a time', [['', '1'], ...numbers(2, 4, 8, 16)])}${choice('drafts', 'Drafted tokens a pass', [['', 'what pays'], ...numbers(0, 1, 2, 3, 4)])}${slider('accepted', 'Drafts that are right', ['', ...[20, 30, 40, 50, 60, 70, 80, 90].map((share) => `${share}%`)])}${choice(
  'goal',
  'Goal',
  [
    ['', 'a whole request soon'],
    ['decode', 'decode speed'],
    ['prefill', 'prompt speed'],
  ],
)}<p class="knob" data-knob="machine"><label for="machine">Machine, as -w takes it</label><input id="machine" spellcheck="false" autocomplete="off"></p>
</details>
<p class="knob" data-knob="trace"><label for="trace">Your own trace of routing (or drop it anywhere; it stays on this machine)</label><input type="file" id="trace"></p>
</form>
`;

const ANSWER = html`<div id="answer" aria-busy="true">
<div id="head"><h1 class="answer">How fast does it run, and with which settings?</h1><p class="origin">The answer is computed here, on your machine; nothing leaves it.</p></div>
<p id="error" role="alert" hidden></p>
<div id="first"></div>
<p class="tools"><button type="button" id="link">Copy a link to this answer</button><button type="button" id="report">Download the report</button><button type="button" id="json">Download the data</button><span id="done" role="status"></span></p>
<section id="hits" aria-label="Hit rate of an expert cache"></section>
<div id="rest"></div>
<section id="terminal"><h2>In a terminal</h2><pre class="copy" id="command"></pre></section>
<noscript><p>The answer is computed by a script in your browser. Without one: <code>npx moeprof advise</code> in a terminal.</p></noscript>
</div>
`;

/** Precedes the common style, so shared selectors are more specific. */
const STYLE = `body>main,body>header,body>footer{max-width:1280px}.play{display:grid;grid-template-columns:minmax(250px,320px) minmax(0,1fr);gap:2.2rem;margin-top:1rem}
.brand{font-weight:650;margin:0;letter-spacing:-.01em}body>header{padding-top:18px}
#ask{font-size:.9rem;align-self:start;position:sticky;top:0;max-height:100vh;overflow-y:auto;padding:.4rem .6rem 1rem .2rem}
.knob{margin:0 0 .7rem;display:grid;grid-template-columns:1fr auto;gap:.1rem .6rem}.knob label{color:var(--soft)}.knob>input,.knob>select,.knob>textarea,.knob>button,.knob .list{grid-column:1/-1;width:100%}.knob>textarea{resize:vertical}
.knob output{font-weight:600}.knob>input:not([type=range]),.knob>select,.knob>textarea{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--idle-line);border-radius:6px;padding:.35rem .5rem;min-height:34px;min-width:0}
.knob>input[type=range]{accent-color:var(--accent);min-height:24px}.search{position:relative}.knob[hidden]{display:none}
.list{position:absolute;top:100%;z-index:3;background:var(--page);border:1px solid var(--idle-line);border-radius:6px;max-height:15rem;overflow-y:auto;box-shadow:0 4px 14px #0003}.list[hidden]{display:none}
.list span{display:flex;justify-content:space-between;gap:1rem;padding:.3rem .6rem;cursor:pointer;overflow-wrap:anywhere}.list span[aria-selected=true]{background:var(--accent);color:var(--page)}.list small{opacity:.75;white-space:nowrap}
#answer section{margin-top:1.4rem}#answer h1{margin-top:0}#error{color:var(--bad);font-weight:600;overflow-wrap:anywhere}.stale{opacity:.45}.refused :is(.tools,#terminal){display:none}#head{display:contents}#head h1{position:sticky;top:0;z-index:2;background:var(--page);padding:.3rem 0}.busy #head h1{color:var(--soft)}.busy #head h1::after{content:" first figures, not yet final";font-size:.85rem;font-weight:400}#read{font-size:.85rem;overflow-wrap:anywhere}#read.foreign::before{content:"Not counted: of another machine";color:var(--bad);font-weight:600}#read ul{padding-left:1.1rem;margin:0 0 .7rem}#answer .scroll{width:auto;max-width:100%}#answer td code,#answer li code{white-space:normal;overflow-wrap:anywhere}
@media (prefers-reduced-motion:no-preference){#rest,#hits{transition:opacity .15s}}
#hits .dot[role=slider]{cursor:ew-resize;touch-action:none;width:18px;height:18px;margin:0 0 -9px -9px}
body.drop{outline:4px dashed var(--accent);outline-offset:-8px}
@media (max-width:1000px){.play{display:flex;flex-direction:column;gap:.6rem}#ask,#answer{display:contents}.play>*,#ask>*,#answer>*{min-width:0;max-width:100%}#head>*,#first,#error{order:0}#head h1{font-size:1.1rem}.knob,#ask details,#read{order:1;font-size:.9rem}.knob:is([data-knob=model],[data-knob=every],[data-knob=gpu],[data-knob=ram]){order:-1}.tools,#hits,#rest,#answer>section{order:2}}
@media print{#ask,.tools{display:none}.play{display:block}}`;

/**
 * Loads nothing else, and starts only own threads.
 * @param link of the first question, without `#`; a link in the address wins
 */
export function playPage(link: string): string {
  return page({
    title: 'moeprof: how fast does it run here?',
    description: 'How fast a Mixture-of-Experts model runs on your machine, with which settings, and how sure that is.',
    header: html`<p class="brand">moeprof</p>`,
    body: html`<div class="play">${CONTROLS}${ANSWER}</div>`,
    footer: html`<p>Computed by moeprof ${VERSION} in your browser: the code, and the bytes, of the command line.</p><p id="advice" hidden></p>`,
    data: { engine: codeAt('play/engine.js'), link },
    scripts: [clientScript('copy'), scriptAt('play/client/play.js')],
    styles: [DOCUMENT_STYLE, STYLE],
    computes: true,
  });
}
