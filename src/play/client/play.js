// The page's own script: it turns controls into a link, sends that to two threads, and shows what comes back. The first thread answers at a glance
// while a value is dragged, the second one whole when nothing has moved for a moment. Browser code; texts come as HTML from the threads.
const $ = (id) => document.getElementById(id);
const { engine, link: firstLink } = JSON.parse($('data').textContent);
const address = URL.createObjectURL(new Blob([engine], { type: 'text/javascript' }));

/** Seconds without a sign after which a thread is given up; it gives two a second, but none while it reads a trace. */
const MOST_SILENCE = 10;
const MOST_SILENCE_WITH_TRACE = 120;
/** Seconds without a sign after which a thread at a question that was ended is ended, too. */
const MOST_SILENCE_ENDED = 2;

/** Time for which an answer holds up a newer question of its kind, ms: while a value is dragged, answers are to be seen. */
const PATIENCE = 2000;

/** A thread that computes, started by its first request. Of requests of one kind only the newest waits. */
function computing() {
  let thread = null;
  let silence = 0;
  const answers = new Map();
  const waiting = new Map();
  /** The newest request, while the thread answers it: its number, when it began, and whether it was ended. */
  let running = null;
  let last = 0;
  const post = (message, moved = []) =>
    new Promise((answer) => {
      last += 1;
      const reads = message.trace !== undefined || message.kind === 'trace';
      answers.set(last, { answer, most: reads ? MOST_SILENCE_WITH_TRACE : MOST_SILENCE });
      thread ??= started();
      thread.postMessage({ ...message, id: last }, moved);
    });
  /** Ends the thread, which holds no file any more; the next request starts another one. */
  const giveUp = (why) => {
    thread.terminate();
    thread = null;
    silence = 0;
    forgetTrace();
    const left = [...answers.values()];
    answers.clear();
    for (const { answer } of left) answer({ error: why });
  };
  const started = () => {
    const worker = new Worker(address);
    worker.onmessage = ({ data }) => {
      silence = 0;
      answers.get(data.id)?.answer(data);
      answers.delete(data.id);
    };
    worker.onerror = (event) => worker === thread && giveUp(`the computing thread ended: ${event.message}`);
    return worker;
  };
  // Turns are counted, and not time, which goes on while a machine sleeps.
  setInterval(() => {
    silence += 1;
    if (answers.size === 0) silence = 0;
    const most = Math.max(0, ...[...answers.values()].map((waits) => waits.most));
    // A thread that holds a trace would have to read it again.
    if (running?.ended && trace === undefined && answers.size === 1 && silence > MOST_SILENCE_ENDED) giveUp('');
    else if (silence > most) giveUp(`nothing was heard of this answer for ${most} s, so it was given up; ask for less`);
  }, 1000);
  const next = async () => {
    if (running !== null || waiting.size === 0) return;
    const [kind, { message, answer }] = waiting.entries().next().value;
    waiting.delete(kind);
    const answered = post(message);
    running = { id: last, began: performance.now(), ended: false };
    const data = await answered;
    answer(running.ended ? null : data);
    running = null;
    next();
  };
  /** Ends the answer to the newest request, and all that wait. */
  const end = () => {
    for (const { answer } of waiting.values()) answer(null);
    waiting.clear();
    if (running === null || running.ended) return;
    running.ended = true;
    thread?.postMessage({ kind: 'end', id: running.id });
  };
  return {
    send: post,
    end,
    newest: (message) =>
      new Promise((answer) => {
        if (running !== null && performance.now() - running.began > PATIENCE) end();
        waiting.get(message.kind)?.answer(null);
        waiting.set(message.kind, { message, answer });
        next();
      }),
  };
}

const [quick, thorough] = [computing(), computing()];

/** Fields of the question by name, as in the link; a trace stays on the page. */
let fields = new Map();
let trace;
let before = null;
let shownLink = '';
let pause;

const linkNow = () =>
  [...fields]
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%(2B|2C|2F|3A|40)/g, decodeURIComponent)}`)
    .join('&');

/** Longest address; a longer log stays on the page. */
const LONGEST_ADDRESS = 4000;

const fieldsOf = (link) =>
  new Map(
    link
      .split('&')
      .filter((part) => part.includes('='))
      .map((part) => {
        const at = part.indexOf('=');
        try {
          return [part.slice(0, at), decodeURIComponent(part.slice(at + 1))];
        } catch {
          return [part.slice(0, at), part.slice(at + 1)];
        }
      }),
  );

function showError(text) {
  $('error').textContent = text;
  $('error').hidden = text === '';
}

/** A question without an answer: what stood there answered another one. */
function refuse(text) {
  settled();
  showError(text);
  document.body.classList.add('refused');
  $('head').innerHTML = '<h1 class="answer">No answer</h1>';
  setText('model', fields.get('m') ?? '');
  for (const id of ['first', 'rest', 'hits', 'command', 'advice']) $(id).textContent = '';
  document.title = 'No answer \u00b7 moeprof';
  $('advice').dataset.link = linkNow();
  shownLink = '';
}

/** Marks figures that will change, or no longer. */
function settled(isSettled = true) {
  document.body.classList.toggle('busy', !isSettled);
  $('answer').setAttribute('aria-busy', String(!isSettled));
}

/** Shows an answer; the whole one replaces everything, a glance leaves the tables of the answer before, paler. */
function show(answer, whole) {
  showError('');
  document.body.classList.remove('refused');
  $('head').innerHTML = answer.headerHtml;
  $('first').innerHTML = answer.firstHtml;
  if (whole) $('rest').innerHTML = answer.restHtml;
  for (const id of ['rest', 'hits']) $(id).classList.toggle('stale', !whole);
  $('command').textContent = answer.command;
  document.title = `${document.querySelector('h1').textContent} · moeprof`;
  addCopyButtons();
  turnKnobs(answer);
  const { answer: best, runtime } = answer.advice ?? {};
  if (best) before = { runtime, setting: best.setting };
  $('read').classList.toggle('foreign', answer.foreign);
  const link = answer.link.length > LONGEST_ADDRESS ? answer.link.replace(/&timing=[^&]*/, '') : answer.link;
  if (trace === undefined) history.replaceState(null, '', `#${link}`);
}

/** Parts of the machine that were turned since the last answer: the thread makes the machine's name of them. */
const turns = new Map();

/** Asks at a glance, and whole if nothing moves for a moment. */
async function ask() {
  settled(false);
  clearTimeout(pause);
  thorough.end();
  const sent = [...turns];
  const answer = await quick.newest({ kind: 'glance', link: linkNow(), trace, before, turns: sent });
  if (answer === null) return;
  for (const [knob, value] of sent) if (turns.get(knob) === value) turns.delete(knob);
  if (answer.error === undefined) {
    // What has changed since then stays; turned parts became a machine.
    fields.set('w', fieldsOf(answer.link).get('w'));
    show(answer, false);
  } else refuse(answer.error);
  pause = setTimeout(askWhole, 350);
}

async function askWhole() {
  const link = linkNow();
  const answer = await thorough.newest({ kind: 'whole', link, trace });
  if (answer === null || link !== linkNow() || turns.size > 0) return;
  settled();
  if (answer.error !== undefined) {
    refuse(answer.error);
    return;
  }
  shownLink = link;
  show(answer, true);
  // For programs that read the page.
  $('advice').textContent = JSON.stringify(answer.advice);
  $('advice').dataset.link = link;
  if (fields.get('m') === EVERY) {
    $('hits').textContent = '';
    return;
  }
  const hits = await thorough.newest({ kind: 'hits', link, trace });
  if (hits === null || hits.error !== undefined || link !== linkNow()) return;
  showHits(hits);
}

/** Changes a field, and asks. */
function change(name, value) {
  if (value === '') fields.delete(name);
  else fields.set(name, value);
  if (name === 'm') forgetTrace();
  if (name === 'm' || name === 'runtime') forgetSetting();
  // A model or a format may be what a pasted text lacked.
  const pasted = $('timing').value.trim();
  if (name !== 'timing' && pasted !== '' && !fields.has('timing')) takeTiming(pasted);
  else ask();
}

/** In place of a model: all of them. */
const EVERY = '*';
$('every').addEventListener('click', () => change('m', EVERY));

/** Reads what is pasted; the log's machine and model become those of the question. */
async function takeTiming(text) {
  $('read').textContent = text === '' ? '' : 'Reading...';
  if (text === '') {
    change('timing', '');
    return;
  }
  fields.delete('timing');
  const { error, html, machine, model } = await quick.send({ kind: 'timing', link: linkNow(), text });
  if ($('timing').value.trim() !== text) return;
  $('read').innerHTML = error === undefined ? html : '';
  if (error !== undefined) {
    $('read').textContent = `Not read: ${error}`;
    ask();
    return;
  }
  turns.clear();
  fields.set('w', machine);
  if (model !== null && model !== fields.get('m') && fields.get('m') !== EVERY) {
    fields.set('m', model);
    forgetTrace();
    forgetSetting();
  }
  change('timing', text);
}

let typing;
$('timing').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => takeTiming($('timing').value.trim()), 400);
});

/** Another model or engine has other slots and formats. */
function forgetSetting() {
  before = null;
  fields.delete('slots');
  fields.delete('quantizations');
}

/** A trace is of one model. */
function forgetTrace() {
  trace = undefined;
  $('trace').value = '';
  $('done').textContent = '';
}

// Controls.

const PARTS = ['gpu', 'gpus', 'vram', 'cpu', 'ram', 'channels', 'mts', 'pcie'];
const FIELD = { model: 'm', machine: 'w' };
const stepsOf = (slider) => slider.dataset.values.split(' ');

/** What a step of a slider is called. */
const stepText = (id, value) =>
  value !== '' ? value : { slots: 'what is best', context: 'usual', prompt: 'usual', accepted: 'usual' }[id];

function setSlider(id, value) {
  const slider = $(id);
  const steps = stepsOf(slider);
  let at = steps.indexOf(String(value));
  if (at < 0)
    at = steps.reduce(
      (best, step, i) => (step !== '' && Math.abs(step - value) < Math.abs(steps[best] - value) ? i : best),
      steps[0] === '' ? 1 : 0,
    );
  if (document.activeElement !== slider || slider.dataset.held === undefined) slider.value = at;
  const text = stepText(id, value === '' ? '' : String(value));
  slider.setAttribute('aria-valuetext', text);
  slider.previousElementSibling.textContent = text;
}

/** Shows the question's values, those that are taken for granted included. */
function turnKnobs({ advice, knobs }) {
  const hide = (id, hidden) => {
    document.querySelector(`[data-knob="${id}"]`).hidden = hidden;
  };
  for (const id of PARTS) hide(id, knobs === null);
  if (knobs !== null) {
    const { channels, most, mts } = knobs.memory ?? {};
    $('channels').max = Math.max(
      0,
      stepsOf($('channels')).findLastIndex((step) => Number(step) <= most),
    );
    setText('gpu', knobs.gpu);
    setText('cpu', knobs.cpu);
    $('gpus').value = knobs.gpus;
    for (const [id, value] of Object.entries({ vram: knobs.vram, ram: knobs.ram, channels, mts })) {
      hide(id, value === null || value === undefined);
      if (value !== null && value !== undefined) setSlider(id, value);
    }
    hide('gpus', knobs.gpu === '' || knobs.vram === null);
    hide('pcie', knobs.pcie === null);
    $('pcie').value = knobs.pcie;
  }
  setText('model', fields.get('m') === EVERY ? '' : (fields.get('m') ?? ''));
  $('model').placeholder = fields.get('m') === EVERY ? 'all of them' : '';
  $('machine').value = fields.get('w') ?? '';
  setText('quantizations', fields.get('quantizations') ?? '');
  for (const id of ['runtime', 'users', 'drafts', 'goal']) $(id).value = fields.get(id) ?? '';
  for (const id of ['context', 'prompt', 'accepted', 'slots']) setSlider(id, fields.get(id) ?? '');
  $('quantizations').placeholder = advice?.quantization ?? '';
}

function setText(id, value) {
  if (document.activeElement !== $(id)) $(id).value = value;
}

for (const slider of document.querySelectorAll('input[type=range]')) {
  slider.addEventListener('pointerdown', () => {
    slider.dataset.held = '';
  });
  slider.addEventListener('change', () => {
    delete slider.dataset.held;
  });
  slider.addEventListener('input', () => {
    const value = stepsOf(slider)[slider.value];
    slider.previousElementSibling.textContent = stepText(slider.id, value);
    slider.setAttribute('aria-valuetext', stepText(slider.id, value));
    moved(slider.id, value);
  });
}
for (const select of document.querySelectorAll('select')) select.addEventListener('change', () => moved(select.id, select.value));
$('machine').addEventListener('change', () => change('w', $('machine').value.trim()));
$('ask').addEventListener('submit', (event) => event.preventDefault());

function moved(id, value) {
  if (PARTS.includes(id)) {
    turns.set(id, value);
    ask();
  } else change(FIELD[id] ?? id, value);
}

/** Choices of many: what is typed narrows the list; arrows move in it, Enter takes, Escape leaves. */
function searchable(id, choices, empty) {
  const input = $(id);
  const list = $(`${id}-list`);
  let at = -1;
  const close = () => {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const take = (value) => {
    input.value = value;
    close();
    moved(id, value);
  };
  const mark = (to) => {
    const options = [...list.children];
    at = options.length === 0 ? -1 : (to + options.length) % options.length;
    for (const [i, option] of options.entries()) option.setAttribute('aria-selected', String(i === at));
    if (at < 0) return;
    options[at].scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', options[at].id);
  };
  const open = (text) => {
    const words = text.toLowerCase().split(/[\s-]+/);
    const found = [...(empty === undefined || text !== '' ? [] : [['', empty]]), ...choices].filter(([name]) =>
      words.every((word) => name.includes(word)),
    );
    list.replaceChildren(
      ...found.slice(0, 200).map(([name, note], i) => {
        const option = document.createElement('span');
        const small = document.createElement('small');
        option.id = `${id}-${i}`;
        option.setAttribute('role', 'option');
        small.textContent = note;
        option.append(name, small);
        // Before the input loses its focus.
        option.addEventListener('pointerdown', (event) => {
          event.preventDefault();
          take(name);
        });
        return option;
      }),
    );
    list.hidden = found.length === 0;
    input.setAttribute('aria-expanded', String(found.length > 0));
    mark(text === '' ? -1 : 0);
  };
  input.addEventListener('focus', () => {
    input.select();
    open('');
  });
  input.addEventListener('input', () => open(input.value.trim()));
  input.addEventListener('blur', () => {
    close();
    setText(id, fields.get(FIELD[id] ?? id) ?? input.value);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (list.hidden) open('');
      mark(at + (event.key === 'ArrowDown' ? 1 : -1));
      event.preventDefault();
    } else if (event.key === 'Enter') {
      if (at >= 0 && !list.hidden) take(list.children[at].firstChild.textContent);
      else if (input.value.trim() !== '') take(input.value.trim());
      event.preventDefault();
    } else if (event.key === 'Escape') close();
  });
}

// The curve of hits, on which the cache's point is a slider.

function showHits({ html, slots }) {
  $('hits').innerHTML = `<h2>Hit rate of an expert cache</h2>${html}`;
  const { least, most, now } = slots;
  const steps = Array.from({ length: most - least + 1 }, (_, i) => least + i);
  $('slots').dataset.values = ['', ...steps].join(' ');
  $('slots').max = steps.length;
  setSlider('slots', fields.get('slots') ?? '');
  const dot = $('hits').querySelector('.dot');
  if (dot === null) return;
  const area = dot.parentElement;
  let chosen = now;
  const value = (text) => {
    dot.setAttribute('aria-valuenow', chosen);
    dot.setAttribute('aria-valuetext', text);
  };
  const move = (to) => {
    chosen = Math.min(most, Math.max(least, Math.round(to)));
    dot.style.left = `${(100 * chosen) / (most + 1)}%`;
    dot.firstElementChild.textContent = `${chosen} slots`;
    value(`${chosen} slots`);
    change('slots', String(chosen));
  };
  for (const [name, text] of Object.entries({
    role: 'slider',
    tabindex: '0',
    'aria-label': 'Slots of each layer',
    'aria-valuemin': least,
    'aria-valuemax': most,
  }))
    dot.setAttribute(name, text);
  value(`${chosen} slots`);
  dot.addEventListener('pointerdown', (event) => {
    dot.setPointerCapture(event.pointerId);
    event.preventDefault();
    dot.focus();
  });
  dot.addEventListener('pointermove', (event) => {
    if (!dot.hasPointerCapture(event.pointerId)) return;
    const { left, width } = area.getBoundingClientRect();
    move(((event.clientX - left) / width) * (most + 1));
  });
  dot.addEventListener('keydown', ({ key }) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 8, PageDown: -8 }[key];
    if (step !== undefined) move(chosen + step);
  });
}

// Files.

function save(name, type, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

$('link').addEventListener('click', async () => {
  $('done').textContent = (await copied(location.href)) ? 'Copied.' : 'The address of this page is the link.';
});
$('report').addEventListener('click', async () => {
  const { error, html } = await thorough.send({ kind: 'report', link: linkNow(), trace });
  if (error === undefined) save('advice.html', 'text/html', html);
  else showError(error);
});
$('json').addEventListener('click', () =>
  save('advice.json', 'application/json', `${JSON.stringify(JSON.parse($('advice').textContent), null, 2)}\n`),
);

/** Most bytes of a trace: it is read whole. */
const MOST = 512 * 2 ** 20;

async function takeFile(file) {
  if (file.size > MOST) {
    showError(`${file.name}: has ${Math.round(file.size / 2 ** 20)} MiB, and a page takes 512; use moeprof advise -t in a terminal`);
    return;
  }
  const path = `/files/${file.name.replaceAll(/[^\w.-]/g, '_')}`;
  let buffer;
  try {
    buffer = await file.arrayBuffer();
  } catch (error) {
    showError(`${file.name}: cannot be read: ${error.message}`);
    return;
  }
  await quick.send({ kind: 'file', path, bytes: buffer.slice(0) });
  await thorough.send({ kind: 'file', path, bytes: buffer }, [buffer]);
  const { error, model, prompt, text } = await quick.send({ kind: 'trace', path });
  if (error !== undefined) {
    showError(error);
    return;
  }
  trace = path;
  $('done').textContent = `${file.name}: ${text}`;
  if (model !== null && model !== fields.get('m')) {
    fields.set('m', model);
    forgetSetting();
    setText('model', model);
  }
  if (prompt !== null && !fields.has('prompt')) fields.set('prompt', String(prompt));
  ask();
}

$('trace').addEventListener('change', () => $('trace').files[0] && takeFile($('trace').files[0]));
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('drop');
});
document.addEventListener('dragleave', () => document.body.classList.remove('drop'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('drop');
  if (event.dataTransfer.files[0]) takeFile(event.dataTransfer.files[0]);
});

function start() {
  const link = location.hash.slice(1) || firstLink;
  clearTimeout(pause);
  quick.end();
  thorough.end();
  shownLink = '';
  before = null;
  turns.clear();
  forgetTrace();
  settled(false);
  fields = fieldsOf(link);
  // What was pasted stays, whichever link is followed.
  const pasted = $('timing').value.trim();
  const timing = fields.get('timing') ?? pasted;
  const isNew = timing !== '' && (timing !== pasted || $('read').textContent === '');
  $('timing').value = timing;
  if (timing !== '') fields.set('timing', timing);
  const asked = timing === '' || link.includes('&timing=') ? link : `${link}&timing=${encodeURIComponent(timing)}`;
  // What a link has that no field is named by is refused by the thread, which reads it whole.
  quick.newest({ kind: 'glance', link: asked, trace, before }).then((answer) => {
    if (answer?.error !== undefined) refuse(answer.error);
    else if (answer !== null && shownLink === '') show(answer, false);
    // The first answer has both cores for itself.
    if (answer !== null) pause = setTimeout(askWhole, 0);
    if (isNew) takeTiming(timing);
    if (!listed) thorough.send({ kind: 'catalogue' }).then(offer);
    listed = true;
  });
}

addEventListener('hashchange', () => {
  if (location.hash.slice(1) !== linkNow()) start();
});

/** True once what can be chosen was asked for. */
let listed = false;

function offer(catalogue) {
  searchable('model', catalogue.models);
  searchable('gpu', catalogue.gpus, 'none');
  searchable('cpu', catalogue.cpus);
  searchable('quantizations', catalogue.quantizations, 'what fits best');
  for (const [name] of catalogue.runtimes) if (name !== 'llama.cpp') $('runtime').append(new Option(name, name));
  $('runtime').value = fields.get('runtime') ?? '';
}

start();
