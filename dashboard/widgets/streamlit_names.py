"""Types and errors of Streamlit's inner modules, which it does not promise to keep where they are.

Nothing else imports them from there. Where a version of Streamlit has moved one, find it by its name in the installed
package and change the line here: `DeltaGenerator` is what `st.container()` returns, `StreamlitPage` what `st.Page` and
`st.navigation` return, and `FragmentHandledException` what a page meets after its fragment has told of its own failure.
"""

from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import FragmentHandledException
from streamlit.navigation.page import StreamlitPage

__all__ = ["DeltaGenerator", "FragmentHandledException", "StreamlitPage"]
