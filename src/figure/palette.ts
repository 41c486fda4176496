interface SeriesStyle {
  readonly color: string;
  readonly symbol: 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'star' | 'wye';
  /** SVG's stroke-dasharray; null: solid. */
  readonly dash: string | null;
}

/**
 * Okabe and Ito 2002, safe for colour blindness, without yellow, too light on white; neighbours differ in lightness.
 */
export const SERIES: readonly SeriesStyle[] = [
  { color: '#0072b2', symbol: 'circle', dash: null },
  { color: '#e69f00', symbol: 'square', dash: '5 2' },
  { color: '#009e73', symbol: 'triangle', dash: '1.5 1.5' },
  { color: '#000000', symbol: 'diamond', dash: '6 2 1.5 2' },
  { color: '#d55e00', symbol: 'cross', dash: '3 1.5' },
  { color: '#56b4e9', symbol: 'star', dash: '8 3' },
  { color: '#cc79a7', symbol: 'wye', dash: '2 3' },
];

/** Heat map colours, from light to dark blue: ordered in greyscale too. */
export const HEAT: readonly [least: string, most: string] = ['#f1f6fb', '#08306b'];

/** Style of a series; after {@link SERIES}, colours repeat with new dashes. */
export function styleOf(series: number): SeriesStyle {
  const style = SERIES[series % SERIES.length]!;
  const round = Math.floor(series / SERIES.length);
  return round === 0 ? style : { ...style, dash: SERIES[(series + round) % SERIES.length]!.dash };
}
