import type { Command } from 'commander';
import { fetchHubModel, hubFolder, hubServer, isHubAddress, meantAddress, parseHubAddress, UnreachableHub } from '../model/door.js';
import type { CliContext } from './kit/context.js';

const PLACES = ['model', 'like', 'fit'];

/** Fetches headers of all named hub models before a run. @throws UserError if a fetch fails and no bundled
 * model has the name */
export async function fetchNamedModels(command: Command, context: CliContext): Promise<void> {
  const named = command.registeredArguments.map((argument, i) => [argument.name(), command.processedArgs[i] as unknown] as const);
  const values = [...named, ...Object.entries(command.opts())].filter(([place]) => PLACES.includes(place)).flatMap(([, value]) => value);
  const addresses = values.filter((value): value is string => typeof value === 'string' && isHubAddress(value));
  for (const text of new Set(addresses)) {
    const note = (line: string): void => context.note(line);
    const address = parseHubAddress(text);
    try {
      await fetchHubModel(address, hubServer(context.environment), hubFolder(context.environment), Date.now(), note);
    } catch (error) {
      if (!(error instanceof UnreachableHub) || meantAddress(address) === null) throw error;
      note(`${error.message} (the bundled ${meantAddress(address)!.name} is taken)`);
    }
  }
}
