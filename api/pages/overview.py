"""`/`: whether everything rang, what did not, and what rings next."""

from fastapi.responses import Response

from api.pages.page import ViewerPage
from api.pages.route import pages

router = pages("overview")


@router.get("/")
def show_overview(page: ViewerPage) -> Response:
    """The overview."""
    return page.show("overview.html.j2")
