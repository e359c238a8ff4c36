/** What the search finds. */
import { type Application, IndexEvent } from "typedoc";

import { textOf } from "./pages";

/** Signs around a word: brackets, ticks, full stops. */
const AROUND = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu;

const wordsOf = (text: string): string[] => text.split(/\s+/).map((word) => word.replace(AROUND, ""));

/** TypeDoc's index splits words at hyphens, and its search does not: `PS-N010` would find nothing. */
export function keepHyphens(app: Application): void {
  app.renderer.on(IndexEvent.PREPARE_INDEX, (event) => {
    event.searchFields = event.searchResults.map((result) => {
      const fields = {
        name: wordsOf(result.name),
        ...(result.isDocument() ? { document: wordsOf(textOf(result)) } : {}),
      };
      // The index takes a list as the words themselves; only TypeDoc's type does not say so.
      return fields as unknown as Record<string, string>;
    });
  });
}
