import type * as pulumi from "@pulumi/pulumi";

import { checked, checkUnlessOutput, checkValue, type Rule, whenKnown } from "../inputs";
import { isOutput, isWholeNumber, type Problems } from "../problems";

/** What both sample Pods are told of their two containers. */
export interface NginxAndApp {
  readonly nginxImage: pulumi.Input<string>;
  readonly appImage: pulumi.Input<string>;
  readonly appPort?: pulumi.Input<number>;
}

const IMAGE: Rule = {
  allows: (value) => typeof value === "string" && value !== "",
  allowed: "an image reference",
};
const APP_PORT: Rule = {
  allows: (value) => isWholeNumber(value, 1, 65535) && value !== 80,
  allowed: "a whole number from 1 to 65535, and not 80: nginx listens there",
};

/** Notes what is wrong with the plain values; `at` stands before the name of each field: `proof.`. */
export function checkNginxAndApp(problems: Problems, at: string, args: NginxAndApp): void {
  for (const field of ["nginxImage", "appImage"] as const) {
    if (!isOutput(args[field])) checkValue(problems, `${at}${field}`, args[field], IMAGE);
  }
  checkUnlessOutput(problems, `${at}appPort`, args.appPort, APP_PORT);
}

/** nginx.conf, once the port is known. @throws InputPropertiesError if it is not one. */
export function nginxConfOf(
  appPort: pulumi.Input<number | undefined>,
  serverName?: pulumi.Input<string>,
): pulumi.Input<string> {
  return whenKnown({ appPort, serverName }, (known) => {
    checked("the sample Pod", known, (problems) => {
      checkUnlessOutput(problems, "appPort", known.appPort, APP_PORT);
    });
    return nginxConf(known.appPort, known.serverName);
  });
}

/**
 * An nginx.conf that listens on port 80 and leads everything to an app on 127.0.0.1.
 * @param appPort Port the app listens on. Default: 8888.
 * @param serverName `server_name`; any name where it is left out.
 */
export function nginxConf(appPort = 8888, serverName?: string): string {
  const name = serverName === undefined ? "" : `\n    server_name ${serverName};`;
  return `error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  server {
    listen 80 default_server;${name}
    location / {
      proxy_pass http://127.0.0.1:${appPort};
    }
  }
}
`;
}
