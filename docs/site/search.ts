/** What the search finds first. */
import { type Application, IndexEvent } from "typedoc";

import { textOf } from "./pages";

/** A heading that begins with the code of an error or a finding. */
const CODE = /^#+ PS-([A-Z]\d+)/gm;

/** Who searches a code means its page. TypeDoc's search takes `PS-N010` for two words, and finds one of them in "groups". */
export function findCodes(app: Application): void {
  app.renderer.on(IndexEvent.PREPARE_INDEX, (event) => {
    event.searchFieldWeights.code = 1000;
    event.searchFields = event.searchResults.map((result) => {
      const headings = result.isDocument() ? [...textOf(result).matchAll(CODE)] : [];
      return { code: headings.map(([, code]) => code).join(" ") };
    });
  });
}
