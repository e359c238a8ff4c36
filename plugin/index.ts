import { main } from "@pulumi/pulumi/provider";

import { Components } from "./schema";

/** The face for other languages: `pulumi package add` reads the components' arguments and outputs out of their types. */
void main(new Components(), process.argv.slice(2));
