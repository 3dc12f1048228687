"""Edge: the HTTP API. Its routes with their own limits, its one authorizer, a log without personal data."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import catalog
from infra.aws.acknowledge import acknowledge
from infra.aws.function import Function
from infra.aws.stages import Stage

# The route's template, not the path: paths carry ids and tokens. No address, no user agent.
_LOG_LINE = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "integration_milliseconds": "$context.integrationLatency",
    "integration_error": "$context.integrationErrorMessage",
    "authorizer_error": "$context.authorizer.error",
}
_WHY_OPEN = {
    "signed": "The handler checks the sender's signature on the raw bytes.",
    "public": "Public by design; it holds nothing of a customer's.",
}


class Edge(Stack):
    """The catalog's routes, each to its function's `live`."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, functions: Mapping[str, Function], **props: Any
    ) -> None:
        super().__init__(scope, name, description="Usher: the HTTP API", **props)
        self.api = http.HttpApi(self, "Api", api_name=stage.prefix, create_default_stage=False)
        self._authorizer = authorizers.HttpLambdaAuthorizer(
            "Authorizer",
            functions[catalog.AUTHORIZER].live,
            response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
            # None, and so nothing kept: a request without a token must reach the handler too, which answers
            # 401 as it does on one machine; and a token that is taken back is refused at once (ADR 0030).
            identity_source=[],
            results_cache_ttl=Duration.seconds(0),
        )
        self._integrations = {
            path: integrations.HttpLambdaIntegration(
                path,
                functions[path].live,
                timeout=Duration.seconds(29),
                # One permission for the API: a function's policy ends at 20 KB, and one per route fills it.
                scope_permission_to_route=False,
            )
            for path in dict.fromkeys(route.function for route in catalog.ROUTES)
        }
        routes = [self._route(route) for route in catalog.ROUTES]
        self._stage(stage, routes)
        CfnOutput(self, "Url", value=self.api.api_endpoint)

    def _route(self, route: catalog.Route) -> http.HttpRoute:
        made = http.HttpRoute(
            self,
            _key(route),
            http_api=self.api,
            route_key=http.HttpRouteKey.with_(route.path, http.HttpMethod(route.method)),
            integration=self._integrations[route.function],
            authorizer=self._authorizer if route.access == "token" else http.HttpNoneAuthorizer(),
        )
        if route.access != "token":
            acknowledge(made, "APIG4", _WHY_OPEN[route.access])
        return made

    def _stage(self, stage: Stage, routes: list[http.HttpRoute]) -> None:
        log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/vendedlogs/http/{stage.prefix}",
            retention=stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        deployed = http.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=http.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(_LOG_LINE)
            ),
            default_route_settings=_limits(100, 200),
            route_settings={
                _key(route): {
                    "ThrottlingRateLimit": route.rate_per_second,
                    "ThrottlingBurstLimit": route.burst,
                }
                for route in catalog.ROUTES
            },
        )
        for route in routes:  # a limit may only name a route that exists
            deployed.node.add_dependency(route)


def _limits(rate: int, burst: int) -> http.CfnStage.RouteSettingsProperty:
    return http.CfnStage.RouteSettingsProperty(
        throttling_rate_limit=rate, throttling_burst_limit=burst, detailed_metrics_enabled=True
    )


def _key(route: catalog.Route) -> str:
    return f"{route.method} {route.path}"
