import { PolicyPack } from "@pulumi/policy";

import { beforeNodes, wholeStack } from "./registry";

new PolicyPack("pause-policy", { enforcementLevel: "mandatory", policies: [beforeNodes, wholeStack] });
