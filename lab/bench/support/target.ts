/** `met` or `not met`, with the figure and its limit. */
export function target(what: string, value: number, limit: number): string {
  const shown = (number: number) => Number(number.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 4 });
  return `${value <= limit ? "met    " : "not met"}  ${what}: ${shown(value)}, may be ${shown(limit)}`;
}
