// What Pulumi starts. Pulumi has TypeScript compiled by the settings of the folder that the user's program lies in. Here it is compiled by
// the plugin's own. `make lint` checks the types.
const path = require("node:path");

const { REGISTER_INSTANCE, register } = require("ts-node");

process[REGISTER_INSTANCE]?.enabled(false);
register({ project: path.join(__dirname, "tsconfig.json"), transpileOnly: true });
require("./index");
