// The completion script of PowerShell, 5.1 and newer: one native argument completer with everything in it, as the scripts of the other shells.
import type { CompletionValues, Node } from './completion-node.js';

/** A command and the words that lead to it. */
interface Place {
  readonly path: readonly string[];
  readonly node: Node;
}

/**
 * The script that makes PowerShell complete a program.
 * @param places all commands, the program itself first
 * @param optionsOf options that may stand at a command
 */
export function powershellScript(program: Node, places: readonly Place[], optionsOf: (node: Node) => Node['options']): string {
  const steps = places.filter(({ path }) => path.length > 0).map(({ path }) => `    ${single(path.join(' '))}`);
  const words = places.map(({ path, node }) => {
    const own = {
      words: [...node.children.map(({ name }) => name), ...(node.argument?.words ?? [])],
      files: node.argument?.files === true,
    };
    return `    ${single(path.join(' '))} { ${offered(own)} }`;
  });
  const options = places.map(({ path, node }) => {
    const names = optionsOf(node).flatMap((option) => option.names);
    return `    ${single(path.join(' '))} { ${offered({ words: names, files: false })} }`;
  });
  const values = places.flatMap(({ path, node }) =>
    optionsOf(node).flatMap(({ names, value }) =>
      value === null ? [] : names.map((name) => `    ${single(`${path.join(' ')}:${name}`)} { $known = $true; ${offered(value)} }`),
    ),
  );
  return `# PowerShell completion of ${program.name}; made by: ${program.name} completion powershell
Register-ArgumentCompleter -Native -CommandName ${single(program.name)} -ScriptBlock {
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
}

/** Statements that set the completions of a place. */
function offered({ words, files }: CompletionValues): string {
  return `$words = @(${words.map(single).join(', ')})${files ? '; $files = $true' : ''}`;
}

/** A word in single quotes. */
function single(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
