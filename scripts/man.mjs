// Writes the man page, dist/moeprof.1, from the help of the commands themselves, so that it never lags behind them.
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { commands } from '../build/cli/commands.js';
import { runCli } from '../build/cli/program.js';
import { VERSION } from '../build/result/version.js';

/** Commands in a group of commands. */
async function below(entry) {
  const stub = new Command(entry.name).helpCommand(false);
  (await entry.load()).define(stub, {});
  return stub.commands.map((command) => command.name());
}

/** Help as it is printed, 80 columns wide. */
async function help(...words) {
  const write = process.stdout.write;
  let text = '';
  process.stdout.write = (chunk) => {
    text += chunk;
    return true;
  };
  try {
    await runCli([...words, '--no-color', '--help', 'all']);
  } finally {
    process.stdout.write = write;
  }
  return text;
}

/** Text that roff leaves as it is. */
function plain(text) {
  const escaped = text.trimEnd().replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return escaped.replace(/^(?=[.'])/gm, '\\&');
}

const heading = (text) => `.SH ${text.toUpperCase()}\n`;
const block = (text) => `.nf\n${plain(text)}\n.fi\n`;

let page = `.TH MOEPROF 1 "" "moeprof ${VERSION}" "User Commands"\n`;
page += `${heading('name')}moeprof \\- what expert offloading of a Mixture\\-of\\-Experts model costs\n`;
page += heading('synopsis') + block('moeprof <command> [options]');
page += heading('description') + block((await help()).replace(/^Usage:.*\n\n/, ''));
for (const entry of commands) {
  page += heading(`moeprof ${entry.name}`) + block(await help(entry.name));
  for (const name of await below(entry)) page += `.SS moeprof ${entry.name} ${name}\n${block(await help(entry.name, name))}`;
}
page += `${heading('see also')}The pages in docs/ of the package.\n`;
writeFileSync(new URL('../dist/moeprof.1', import.meta.url), page);
