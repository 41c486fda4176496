// What an inspected model is shown as: its parameters, its experts by kind of layer, and the machines that it fits.
import { formatBytes, formatCount, formatParameters, formatRatio } from '../base/units.js';
import type { Fit, ModelInspection } from '../model/inspect.js';
import { type Document, type Grid, grid, type Line } from '../report/document/document.js';
import { documentFormats } from '../report/document/formats.js';
import { formatRelative } from '../report/format.js';

/** Columns that a list of layers may take beside the other figures. */
const LAYERS_WIDTH = 28;

/** Formats of an inspection, the one for reading first. */
export const modelReports = documentFormats<ModelInspection>((inspection) => {
  const { fits, name, quantization, sizes } = inspection;
  return {
    title: `${name}, ${sizes === 'tensors' ? `sizes of its ${quantization} tensors` : quantization}`,
    lead: facts(inspection),
    blocks: [budgetGrid(inspection), expertGrid(inspection), fitGrid(fits, inspection.context)],
  } satisfies Document;
});

function facts({ layers, parameters, tokenCycleBytes, kvBytesPerToken, wholeModels }: ModelInspection): Line[] {
  const { published } = parameters;
  const against = (own: number, stated: number): string => `${formatParameters(stated)} (${formatRelative(own / stated - 1)} here)`;
  const parts =
    layers.moe === layers.total ? `${layers.total} layers, all with experts` : `${layers.moe} of ${layers.total} layers have experts`;
  const moe = wholeModels === undefined ? parts : `${formatCount(wholeModels)} whole models of ${layers.total} layers`;
  const active = published?.active === undefined ? '' : `, active ${against(parameters.active, published.active)}`;
  return [
    { tone: 'plain', text: `${moe}; ${formatParameters(parameters.total)} parameters, ${formatParameters(parameters.active)} active` },
    { text: `One token touches ${formatBytes(tokenCycleBytes)} of experts and adds ${formatBytes(kvBytesPerToken)} of KV cache` },
    ...(published === null ? [] : [{ text: `Published: ${against(parameters.total, published.total)}${active}; ${published.source}` }]),
  ];
}

function budgetGrid({ parts, parameters, bytes }: ModelInspection): Grid {
  return grid(
    [
      ...parts.map((row) => ({ ...row, share: row.bytes / bytes })),
      { ...parameters, part: 'total', parameters: parameters.total, bytes, share: null },
    ],
    [
      { head: 'parameters', of: (row) => row.part },
      { head: 'all', of: (row) => row.parameters, show: formatParameters },
      { head: 'active', of: (row) => row.active, show: formatParameters },
      { head: 'bytes', of: (row) => row.bytes, show: formatBytes },
      { head: 'share', of: (row) => row.share, show: formatRatio },
    ],
  );
}

/** One row for each kind of layer, and their sum. */
function expertGrid({ experts, expertBytes }: ModelInspection): Grid {
  const rows = experts.map((group) => ({
    ...group,
    one: formatBytes(group.expertBytes),
    perLayer: group.experts * group.expertBytes,
    which: group.layers.map(rangeText).join(', '),
  }));
  const count = experts.reduce((sum, group) => sum + group.count, 0);
  const all = { one: 'all experts', expertBytes: null, experts: null, topK: null, perLayer: expertBytes, count, which: '' };
  return grid<(typeof rows)[number] | typeof all>(experts.length > 1 ? [...rows, all] : rows, [
    { head: 'one expert', of: (row) => row.expertBytes, text: (row) => row.one },
    { head: 'experts', of: (row) => row.experts, show: formatCount },
    { head: 'top-k', of: (row) => row.topK, show: formatCount },
    { head: 'per layer', of: (row) => row.perLayer, show: formatBytes },
    { head: 'layers', of: (row) => row.count, show: formatCount },
    { head: 'which', of: (row) => row.which, align: 'left', wrap: LAYERS_WIDTH },
  ]);
}

/** `0-47`, `1-47 by 2`, `5`. */
function rangeText([first, last, step]: readonly [number, number, number]): string {
  return first === last ? String(first) : step === 1 ? `${first}-${last}` : `${first}-${last} by ${step}`;
}

function fitGrid(fits: readonly Fit[], context: number): Grid {
  return grid(fits, [
    { head: 'machine', of: (fit) => fit.machine },
    { head: 'memory', of: (fit) => fit.memoryBytes, show: formatBytes },
    { head: 'for experts', of: (fit) => fit.cacheBytes, show: formatBytes },
    { head: 'share', of: (fit) => fit.share, show: formatRatio },
    { head: 'per layer', of: (fit) => fit.perLayer, show: formatCount },
    { head: `at ${formatCount(context)} tokens`, name: 'verdict', of: verdictOf, align: 'left' },
  ]);
}

function verdictOf({ verdict, rest }: Fit): string {
  switch (verdict) {
    case 'resident':
      return 'all resident';
    case 'cached':
      return `cached from ${rest}`;
    case 'below-token-cycle':
      return 'less than one token';
    case 'dense-too-large':
      return 'dense part too large';
    case 'experts-too-large':
      return 'experts too large';
  }
}
