"""The CDK app: `cdk synth -c stage=dev|staging|prod` writes the templates, without an account or a network."""

import sys

from aws_cdk import App

from infra.aws.deployment import deploy
from infra.aws.stages import UnknownStage

app = App()
try:
    deploy(app)
except UnknownStage as error:
    sys.exit(str(error))
app.synth()
