import { type CompletionValues, flatten, type Node, optionsOf, wordsAt } from './tree.js';

/** Lines of the script: commands, and blocks of commands and of options with values. */
type Lines = Readonly<Record<'steps' | 'words' | 'options' | 'values', readonly string[]>>;

const script = (
  program: string,
  { options, steps, values, words }: Lines,
): string => `# PowerShell completion of ${program}; made by: ${program} completion powershell
Register-ArgumentCompleter -Native -CommandName ${inQuotes(program)} -ScriptBlock {
  param($current, $command, $cursor)
  $steps = @(
${steps.join('\n')}
  )
  $at = ''
  $previous = ''
  foreach ($element in @($command.CommandElements | Select-Object -Skip 1)) {
    if ($element.Extent.EndOffset -ge $cursor) { continue }
    $previous = $element.Extent.Text
    $next = ($at + ' ' + $previous).Trim()
    if ($steps -ccontains $next) { $at = $next }
  }
  $words = @()
  $files = $false
  $known = $false
  switch -CaseSensitive ($at + ':' + $previous) {
${values.join('\n')}
  }
  if (-not $known -and $current.StartsWith('-')) {
    switch -CaseSensitive ($at) {
${options.join('\n')}
    }
  } elseif (-not $known) {
    switch -CaseSensitive ($at) {
${words.join('\n')}
    }
  }
  $words | Where-Object { $_.StartsWith($current) } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
  if ($files) { [System.Management.Automation.CompletionCompleters]::CompleteFilename($current) }
}
`;

/** Script for PowerShell 5.1 and newer, a native argument completer. */
export function powershell(program: Node): string {
  const places = flatten(program);
  const steps = places.filter(({ path }) => path.length > 0).map(({ path }) => `    ${inQuotes(path.join(' '))}`);
  const words = places.map(({ path, node }) => `    ${inQuotes(path.join(' '))} { ${offered(wordsAt(node))} }`);
  const options = places.map(({ path, node }) => {
    const names = optionsOf(program, node).flatMap((option) => option.names);
    return `    ${inQuotes(path.join(' '))} { ${offered({ words: names, files: false })} }`;
  });
  const values = places.flatMap(({ path, node }) =>
    optionsOf(program, node).flatMap(({ names, value }) =>
      value === null ? [] : names.map((name) => `    ${inQuotes(`${path.join(' ')}:${name}`)} { $known = $true; ${offered(value)} }`),
    ),
  );
  return script(program.name, { steps, words, options, values });
}

const offered = ({ words, files }: CompletionValues): string =>
  `$words = @(${words.map(inQuotes).join(', ')})${files ? '; $files = $true' : ''}`;

const inQuotes = (text: string): string => `'${text.replaceAll("'", "''")}'`;
